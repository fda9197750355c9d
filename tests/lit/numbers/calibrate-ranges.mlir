// RUN: %python %S/Inputs/make_samples.py %t.npy x f4 2x1x2 1 -2 3 1
// RUN: %python %S/Inputs/make_samples.py %t.npz x f8 1x2 1 -2
// RUN: dyad-opt %s --calibrate-ranges="samples=%t.npy headroom=1" | FileCheck %s
// RUN: dyad-opt %s --calibrate-ranges="samples=%t.npz headroom=0" | FileCheck %s --check-prefix=EXACT
// RUN: dyad-opt %s --calibrate-ranges="default-range=4" 2>&1 | FileCheck %s --check-prefix=DRAWN
// RUN: %python %S/Inputs/make_samples.py %t.other.npz z f4 1x2 0
// RUN: %python %S/Inputs/make_samples.py %t.shape.npy x i2 3x3 0
// RUN: %python %S/Inputs/make_samples.py %t.nan.npy x f4 1x2 nan
// RUN: head -c 70 %t.npy > %t.bad
// RUN: not dyad-opt %s --calibrate-ranges=samples=%t.other.npz 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not dyad-opt %s --calibrate-ranges=samples=%t.shape.npy 2>&1 | FileCheck %s --check-prefix=SHAPE
// RUN: not dyad-opt %s --calibrate-ranges=samples=%t.nan.npy 2>&1 | FileCheck %s --check-prefix=FINITE
// RUN: not dyad-opt %s --calibrate-ranges=samples=%t.bad 2>&1 | FileCheck %s --check-prefix=TRUNCATED
// NAME: the model has no input 'z'; its inputs are 'x'
// SHAPE: has shape [3,3]; input 'x' needs [1,2]
// FINITE: holds NaN
// TRUNCATED: error: {{.*}}.bad'

// DRAWN: warning: no calibration samples: ranges are guessed from drawn inputs ('x' in [-4, 4]) with 2 bits of head-room
nn.weight @w : tensor<2x1xf32> = dense<[[1.0], [2.0]]> : tensor<2x1xf32>
// CHECK-LABEL: func.func @main
// EXACT-LABEL: func.func @main
// DRAWN-LABEL: func.func @main
func.func @main() {
  // From -2 to 3, and 63/64 of the largest magnitude more on both sides.
  // CHECK: %[[X:.*]] = nn.input "x"
  // CHECK-NEXT: %[[A:.*]] = nn.assume %[[X]] in -4.953125{{.*}} to 5.953125{{.*}} "calibrated"
  // EXACT: nn.assume {{.*}} in -2.000000e+00 to 1.000000e+00 "calibrated"
  // DRAWN: nn.assume {{.*}} in -3.99{{.*}} to 3.99{{.*}} "calibrated"
  %x = nn.input "x" owner "client" : tensor<1x2xf32>
  %w = nn.constant @w : tensor<2x1xf32>
  // -3 and 5 were seen: 5 + 4.92 = 9.92 is less than 17.9, which is proved.
  // CHECK: %[[P:.*]] = nn.matmul %[[A]]
  // CHECK-NEXT: %[[B:.*]] = nn.assume %[[P]] in -7.921875{{.*}} to 9.921875{{.*}} "calibrated"
  // EXACT: nn.assume {{.*}} in -3.000000e+00 to -3.000000e+00 "calibrated"
  // What is proved needs no assumption.
  // DRAWN: nn.matmul
  // DRAWN-NOT: nn.assume
  %0 = nn.matmul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  // Nor does what a ReLU makes of an assumption.
  // CHECK-NEXT: %[[R:.*]] = nn.relu %[[B]]
  // CHECK-NEXT: nn.output "y" %[[R]]
  %1 = nn.relu %0 : tensor<1x1xf32>
  nn.output "y" %1 to "client" : tensor<1x1xf32>
  return
}
