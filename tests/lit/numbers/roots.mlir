// RUN: %python %S/Inputs/make_samples.py %t.npy x f4 2x4 1 -2 0.5 3 -1 2 0.25 0
// RUN: dyad-opt %s --calibrate-ranges="samples=%t.npy headroom=1" --nn-to-fx="activation-bits=12 weight-bits=8" | FileCheck %s
// RUN: dyad-opt %s --calibrate-ranges="samples=%t.npy headroom=1" --nn-to-fx="scale=6 weight-scale=6" | FileCheck %s --check-prefix=FIXED

// A unit near zero has a root of half its fraction bits: squares have twice those of their root.
// CHECK-LABEL: func.func @main
// FIXED-LABEL: func.func @main
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<4xf32>
  %0 = nn.mul %x, %x : tensor<4xf32>
  // CHECK: fx.function "sqrt" {{.*}}fixed<s{{[0-9]+}}, 18, {{.*}} -> tensor<4x!fx.fixed<s{{[0-9]+}}, 9,
  // FIXED: fx.function "sqrt" {{.*}}fixed<s{{[0-9]+}}, 6, {{.*}} -> tensor<4x!fx.fixed<s{{[0-9]+}}, 6,
  %1 = nn.function <sqrt> %0 : tensor<4xf32>
  nn.output "y" %1 to "client" : tensor<4xf32>
  return
}
