// RUN: %python %S/Inputs/make_samples.py %t.npy x f4 4x1x2 1 1 -1 1 1 1 64 1
// RUN: dyad-opt %s --calibrate-ranges="samples=%t.npy headroom=2" | FileCheck %s --check-prefix=ALL
// RUN: dyad-opt %s --calibrate-ranges="samples=%t.npy headroom=2 percentile=75" | FileCheck %s --check-prefix=MOST
// RUN: dyad-opt %s --calibrate-ranges="samples=%t.npy headroom=6.5 percentile=75" | FileCheck %s --check-prefix=ROOM
// RUN: not dyad-opt %s --calibrate-ranges="samples=%t.npy percentile=101" 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: error: percentile should be 0 to 100
nn.weight @w : tensor<2x1xf32> = dense<[[1.0], [2.0]]> : tensor<2x1xf32>
// One value of channel 0 is 64, all others are 1: head-room for all of it is 3 * 63/64 times 64 on
// both sides. Of three quarters of each channel's values it is 3 * 63/64 times 1.125 at most, which
// the 64 that was seen covers above; and where head-room for most goes beyond 64, it counts.
func.func @main() {
  // ALL: nn.assume {{.*}} in -1.900000e+02 to 2.530000e+02 "calibrated"
  // MOST: nn.assume {{.*}} in -4.{{.*}} to 6.400000e+01 "calibrated"
  // ROOM: nn.assume {{.*}} in -100.{{[0-9]+}} to 100.{{[0-9]+}} "calibrated"
  %x = nn.input "x" owner "client" : tensor<1x2xf32>
  %w = nn.constant @w : tensor<2x1xf32>
  %0 = nn.matmul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  nn.output "y" %0 to "client" : tensor<1x1xf32>
  return
}
