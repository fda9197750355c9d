// RUN: dyad-opt %s --split-input-file --means-into-weights --eliminate-dead-code | FileCheck %s

// Four terms: the binary point moves, weights stay.
// CHECK: nn.weight @w : {{.*}} = dense<{{\[\[}}1.000000e+00, 2.000000e+00]]>
nn.weight @w : tensor<1x2xf32> = dense<[[1.0, 2.0]]> : tensor<1x2xf32>
// CHECK-LABEL: func.func @power
func.func @power() {
  // CHECK: nn.reduce <sum> %{{.*}} {axes = array<i64: 2, 3>, halvings = 2 : i64}
  // CHECK: nn.reshape
  // CHECK: nn.matmul
  %x = nn.input "x" owner "client" : tensor<1x1x2x2xf32>
  %w = nn.constant @w : tensor<1x2xf32>
  %0 = nn.average_pool2d %x {ceil_pads = array<i64: 0, 0>, count_include_pad = false, dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  %1 = nn.reshape %0 : (tensor<1x1x1x1xf32>) -> tensor<1x1xf32>
  %2 = nn.matmul %1, %w : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  nn.output "y" %2 to "client" : tensor<1x2xf32>
  return
}

// -----
// Three terms: 3/4 of the mean, and weights that are 4/3 as large, each reader's its own.
// CHECK-DAG: nn.weight @"w/3" : {{.*}} = dense<{{\[\[}}4.000000e+00, 8.000000e+00]]>
// CHECK-DAG: nn.weight @"v/3" : {{.*}} = dense<1.200000e+01>
// CHECK-NOT: nn.weight
nn.weight @w : tensor<1x2xf32> = dense<[[3.0, 6.0]]> : tensor<1x2xf32>
nn.weight @v : tensor<1x1xf32> = dense<[[9.0]]> : tensor<1x1xf32>
// CHECK-LABEL: func.func @others
func.func @others() {
  // CHECK: nn.reduce <sum> %{{.*}} {axes = array<i64: 0>, halvings = 2 : i64}
  // CHECK-COUNT-2: nn.matmul
  %x = nn.input "x" owner "client" : tensor<3x1xf32>
  %w = nn.constant @w : tensor<1x2xf32>
  %v = nn.constant @v : tensor<1x1xf32>
  %0 = nn.reduce <mean> %x {axes = array<i64: 0>} : (tensor<3x1xf32>) -> tensor<1x1xf32>
  %1 = nn.matmul %0, %w : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = nn.matmul %0, %v : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  nn.output "y" %1 to "client" : tensor<1x2xf32>
  nn.output "z" %2 to "client" : tensor<1x1xf32>
  return
}

// -----
// What a function reads too, or the client learns, is a mean.
nn.weight @w : tensor<1x2xf32> = dense<[[3.0, 6.0]]> : tensor<1x2xf32>
// CHECK-LABEL: func.func @kept
func.func @kept() {
  // CHECK: nn.reduce <mean>
  // CHECK: nn.reduce <mean>
  %x = nn.input "x" owner "client" : tensor<3x1xf32>
  %w = nn.constant @w : tensor<1x2xf32>
  %0 = nn.reduce <mean> %x {axes = array<i64: 0>} : (tensor<3x1xf32>) -> tensor<1x1xf32>
  %1 = nn.matmul %0, %w : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = nn.relu %0 : tensor<1x1xf32>
  %3 = nn.reduce <mean> %x {axes = array<i64: 0>} : (tensor<3x1xf32>) -> tensor<1x1xf32>
  nn.output "y" %1 to "client" : tensor<1x2xf32>
  nn.output "z" %2 to "client" : tensor<1x1xf32>
  nn.output "m" %3 to "client" : tensor<1x1xf32>
  return
}
