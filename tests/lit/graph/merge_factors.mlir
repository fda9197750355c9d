// RUN: dyad-opt %s --split-input-file --merge-factors --eliminate-dead-code | FileCheck %s

// One row: a product, a truncation and an extension less. Both steps share the new weight.
// CHECK-DAG: nn.weight @[[U:.*]] : tensor<2x2xf32> = dense<{{\[\[}}3.000000e+00, 4.000000e+00], [6.000000e+00, 8.000000e+00]]>
// CHECK-NOT: nn.weight
nn.weight @u1 : tensor<2x1xf32> = dense<[[1.0], [2.0]]> : tensor<2x1xf32>
nn.weight @u2 : tensor<1x2xf32> = dense<[[3.0, 4.0]]> : tensor<1x2xf32>
// CHECK-LABEL: func.func @steps
func.func @steps() {
  // CHECK-COUNT-2: nn.matmul {{.*}}tensor<2x2xf32>
  // CHECK-NOT: nn.matmul
  %x = nn.input "x" owner "client" : tensor<1x2xf32>
  %u1 = nn.constant @u1 : tensor<2x1xf32>
  %u2 = nn.constant @u2 : tensor<1x2xf32>
  %0 = nn.matmul %x, %u1 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  %1 = nn.matmul %0, %u2 : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = nn.relu %1 : tensor<1x2xf32>
  %3 = nn.matmul %2, %u1 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  %4 = nn.matmul %3, %u2 : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  nn.output "y" %4 to "client" : tensor<1x2xf32>
  return
}

// -----
// A narrow waist in a product of many large rows is worth its truncation. A value that others read stays.
nn.weight @a : tensor<512x1xf32> = dense<1.0> : tensor<512x1xf32>
nn.weight @b : tensor<1x512xf32> = dense<1.0> : tensor<1x512xf32>
// CHECK-LABEL: func.func @waist
func.func @waist() {
  // CHECK: nn.matmul {{.*}} -> tensor<4096x1xf32>
  // CHECK: nn.matmul {{.*}} -> tensor<4096x512xf32>
  %x = nn.input "x" owner "client" : tensor<4096x512xf32>
  %a = nn.constant @a : tensor<512x1xf32>
  %b = nn.constant @b : tensor<1x512xf32>
  %0 = nn.matmul %x, %a : (tensor<4096x512xf32>, tensor<512x1xf32>) -> tensor<4096x1xf32>
  %1 = nn.matmul %0, %b : (tensor<4096x1xf32>, tensor<1x512xf32>) -> tensor<4096x512xf32>
  nn.output "y" %1 to "client" : tensor<4096x512xf32>
  return
}

// -----
// A public factor costs nothing where it is.
nn.weight @u1 : tensor<2x1xf32> = dense<1.0> : tensor<2x1xf32> {is_public}
nn.weight @u2 : tensor<1x2xf32> = dense<1.0> : tensor<1x2xf32>
// CHECK-LABEL: func.func @public
func.func @public() {
  // CHECK-COUNT-2: nn.matmul
  %x = nn.input "x" owner "client" : tensor<1x2xf32>
  %u1 = nn.constant @u1 : tensor<2x1xf32>
  %u2 = nn.constant @u2 : tensor<1x2xf32>
  %0 = nn.matmul %x, %u1 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  %1 = nn.matmul %0, %u2 : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  nn.output "y" %1 to "client" : tensor<1x2xf32>
  return
}
