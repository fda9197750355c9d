// RUN: dyad-opt %s --split-input-file --simplify-arithmetic --eliminate-dead-code | FileCheck %s

// Two steps of h' = (s (1 - z) + t) c + z h with private s = 2 and t = 4: h is 2 g, and only g is computed. The products of
// values are all that is left; the scalar is in the next weights. 1 + t/s = 3.
// CHECK-DAG: nn.weight @[[SUM:.*]] : tensor<1x1xf32> = dense<3.000000e+00>
// CHECK-DAG: nn.weight @[[FC:.*]] : tensor<2x1xf32> = dense<1.000000e+01>
// CHECK-DAG: nn.weight @[[H:.*]] : tensor<1x2xf32> = dense<3.000000e+00>
// CHECK-NOT: nn.weight
nn.weight @one : tensor<f32> = dense<1.0> : tensor<f32>
nn.weight @s : tensor<1x1xf32> = dense<2.0> : tensor<1x1xf32>
nn.weight @t : tensor<1x1xf32> = dense<4.0> : tensor<1x1xf32>
nn.weight @h : tensor<1x2xf32> = dense<6.0> : tensor<1x2xf32>
nn.weight @fc : tensor<2x1xf32> = dense<5.0> : tensor<2x1xf32>
// CHECK-LABEL: func.func @gates
func.func @gates() {
  %z = nn.input "z" owner "client" : tensor<1x2xf32>
  %c = nn.input "c" owner "client" : tensor<1x2xf32>
  %one = nn.constant @one : tensor<f32>
  %ones = nn.broadcast %one : (tensor<f32>) -> tensor<1x2xf32>
  %s = nn.constant @s : tensor<1x1xf32>
  %ss = nn.broadcast %s : (tensor<1x1xf32>) -> tensor<1x2xf32>
  %t = nn.constant @t : tensor<1x1xf32>
  %ts = nn.broadcast %t : (tensor<1x1xf32>) -> tensor<1x2xf32>
  %h = nn.constant @h : tensor<1x2xf32>
  %fc = nn.constant @fc : tensor<2x1xf32>
  // CHECK-COUNT-4: nn.mul
  // CHECK-NOT: nn.mul
  // CHECK: nn.matmul
  %u0 = nn.sub %ones, %z : tensor<1x2xf32>
  %v0 = nn.mul %ss, %u0 : tensor<1x2xf32>
  %w0 = nn.add %v0, %ts : tensor<1x2xf32>
  %p0 = nn.mul %w0, %c : tensor<1x2xf32>
  %q0 = nn.mul %z, %h : tensor<1x2xf32>
  %h0 = nn.add %q0, %p0 : tensor<1x2xf32>
  %n = nn.neg %c : tensor<1x2xf32>
  %u1 = nn.sub %ones, %z : tensor<1x2xf32>
  %v1 = nn.mul %ss, %u1 : tensor<1x2xf32>
  %w1 = nn.add %v1, %ts : tensor<1x2xf32>
  %p1 = nn.mul %w1, %n : tensor<1x2xf32>
  %q1 = nn.mul %z, %h0 : tensor<1x2xf32>
  %h1 = nn.add %q1, %p1 : tensor<1x2xf32>
  %y = nn.matmul %h1, %fc : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  nn.output "y" %y to "client" : tensor<1x1xf32>
  return
}

// -----
// The other product has no scalar: dividing it would cost one more.
nn.weight @s : tensor<1x1xf32> = dense<2.0> : tensor<1x1xf32>
// CHECK-LABEL: func.func @stays
func.func @stays() {
  // CHECK: %[[S:.*]] = nn.broadcast
  // CHECK: nn.mul %{{.*}}, %[[S]]
  // CHECK-COUNT-2: nn.mul
  // CHECK: nn.add
  // CHECK-NOT: nn.mul
  %a = nn.input "a" owner "client" : tensor<1x2xf32>
  %b = nn.input "b" owner "client" : tensor<1x2xf32>
  %s = nn.constant @s : tensor<1x1xf32>
  %ss = nn.broadcast %s : (tensor<1x1xf32>) -> tensor<1x2xf32>
  %0 = nn.mul %a, %ss : tensor<1x2xf32>
  %1 = nn.mul %0, %b : tensor<1x2xf32>
  %2 = nn.mul %b, %b : tensor<1x2xf32>
  %3 = nn.add %1, %2 : tensor<1x2xf32>
  nn.output "y" %3 to "client" : tensor<1x2xf32>
  return
}
