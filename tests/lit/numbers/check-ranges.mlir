// RUN: %python %S/Inputs/make_samples.py %t.small.npy x f4 1x2 1
// RUN: %python %S/Inputs/make_samples.py %t.large.npy x f4 3x1x2 7
// RUN: dyad-opt %s --check-ranges=samples=%t.small.npy | FileCheck %s
// RUN: not dyad-opt %s --check-ranges=samples=%t.large.npy 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not dyad-opt %s --check-ranges 2>&1 | FileCheck %s --check-prefix=NONE

// NONE: check-ranges needs samples
// CHECK: fx.weight
fx.weight @w : tensor<2x1x!fx.fixed<s8, 4, server>> = dense<48> : tensor<2x1xi8>
func.func @main() {
  %x = fx.input "x" range -8.0 to 7.5 <declared> : tensor<1x2x!fx.fixed<s8, 4, client>>
  %w = fx.constant @w : tensor<2x1x!fx.fixed<s8, 4, server>>
  // All nodes in one go. 2 * 112 * 48 = 10752 takes 15 bits.
  // LARGE: error: {{.*}}10752 does not fit s13{{.*}}: 3 elements in 3 of 3 samples){{.*}}it needs 15 bits instead of 13
  %0 = fx.matmul %x, %w : (tensor<1x2x!fx.fixed<s8, 4, client>>, tensor<2x1x!fx.fixed<s8, 4, server>>) -> tensor<1x1x!fx.fixed<s13, 8, shared>>
  %1 = fx.truncate %0 {shift = 4 : i64, rounding = #fx.rounding<nearest>} : (tensor<1x1x!fx.fixed<s13, 8, shared>>) -> tensor<1x1x!fx.fixed<s11, 4, shared>>
  // LARGE: error: {{.*}}672{{.*}} is outside
  // LARGE-SAME: more --headroom covers it
  %2 = fx.assume %1 in -500 to 500 <calibrated> : tensor<1x1x!fx.fixed<s11, 4, shared>>
  %3 = fx.reveal %2 : (tensor<1x1x!fx.fixed<s11, 4, shared>>) -> tensor<1x1x!fx.fixed<s11, 4, client>>
  fx.output "y" %3 : tensor<1x1x!fx.fixed<s11, 4, client>>
  return
}
