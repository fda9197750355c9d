// RUN: %python %S/Inputs/make_samples.py %t.npy x f4 1x2x2 1 -2 3 1
// RUN: dyad-opt %s --calibrate-ranges="samples=%t.npy headroom=0" | FileCheck %s
// Steps of a recurrent network have one range, that of all of them; what reads a weight of its own has its own.

nn.weight @u : tensor<2x1xf32> = dense<[[1.0], [2.0]]> : tensor<2x1xf32>
nn.weight @v : tensor<2x1xf32> = dense<[[2.0], [4.0]]> : tensor<2x1xf32>
// CHECK-LABEL: func.func @main
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<2x2xf32>
  %u = nn.constant @u : tensor<2x1xf32>
  %v = nn.constant @v : tensor<2x1xf32>
  %x0 = nn.slice %x {starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<2x2xf32>) -> tensor<1x2xf32>
  %x1 = nn.slice %x {starts = array<i64: 1, 0>, steps = array<i64: 1, 1>} : (tensor<2x2xf32>) -> tensor<1x2xf32>
  // -3 was seen here, 5 there.
  // CHECK: %[[A:.*]] = nn.matmul
  // CHECK-NEXT: nn.assume %[[A]] in -3.000000e+00 to 5.000000e+00 "calibrated"
  %a = nn.matmul %x0, %u : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  // CHECK: %[[B:.*]] = nn.matmul
  // CHECK-NEXT: nn.assume %[[B]] in -3.000000e+00 to 5.000000e+00 "calibrated"
  %b = nn.matmul %x1, %u : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  // CHECK: %[[C:.*]] = nn.matmul
  // CHECK-NEXT: nn.assume %[[C]] in -6.000000e+00 to -6.000000e+00 "calibrated"
  %c = nn.matmul %x0, %v : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  nn.output "a" %a to "client" : tensor<1x1xf32>
  nn.output "b" %b to "client" : tensor<1x1xf32>
  nn.output "c" %c to "client" : tensor<1x1xf32>
  return
}
