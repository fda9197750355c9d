// Widths of any size meet in one operation, and the lowering brings rings to each other: up where the result is wider, down
// for nothing where it is narrower.
// RUN: dyad-opt %s --verify-ranges --lower-to-mpc | FileCheck %s

!s5 = !fx.fixed<s5, 2, client>
!s8 = !fx.fixed<s8, 2, server>
!s13 = !fx.fixed<s13, 4, shared>
!s27 = !fx.fixed<s27, 4, shared>
!s41 = !fx.fixed<s41, 8, shared>

// CHECK-LABEL: func.func @main
func.func @main() {
  %x = fx.input "x" range -4.0 to 3.75 <declared> : tensor<4x!s5>
  %y = fx.input "y" range -32.0 to 31.75 <declared> : tensor<4x!s8>
  // CHECK: %[[P:.*]] = mpc.mul_private {{.*}} -> tensor<4x!mpc.arith<13>>
  %0 = fx.mul %x, %y : (tensor<4x!s5>, tensor<4x!s8>) -> tensor<4x!s13>
  %1 = fx.assume %0 in -2048 to 2048 <proved> : tensor<4x!s13>
  // The sum of two such needs 14 bits, whatever the type says: rings follow values.
  // CHECK: %[[E:.*]] = mpc.extend %[[P]] {{.*}} -> tensor<4x!mpc.arith<14>>
  %2 = fx.resize %1 : (tensor<4x!s13>) -> tensor<4x!s27>
  // CHECK: %[[S:.*]] = mpc.add {{.*}} tensor<4x!mpc.arith<14>>
  %3 = fx.add %1, %2 : (tensor<4x!s13>, tensor<4x!s27>) -> tensor<4x!s27>
  // CHECK: %[[A:.*]] = mpc.extend %[[S]] {{.*}} -> tensor<4x!mpc.arith<41>>
  // CHECK: %[[B:.*]] = mpc.extend %[[E]] {{.*}} -> tensor<4x!mpc.arith<41>>
  // CHECK: %[[Q:.*]] = mpc.mul_shared %[[A]], %[[B]] : tensor<4x!mpc.arith<41>>
  %4 = fx.mul %3, %1 : (tensor<4x!s27>, tensor<4x!s13>) -> tensor<4x!s41>
  // CHECK: %[[T:.*]] = mpc.truncate_reduce %[[Q]] {{.*}} -> tensor<4x!mpc.arith<37>>
  %5 = fx.truncate %4 {shift = 4 : i64, rounding = #fx.rounding<nearest>} : (tensor<4x!s41>) -> tensor<4x!s27>
  // CHECK: mpc.narrow %[[T]] : (tensor<4x!mpc.arith<37>>) -> tensor<4x!mpc.arith<32>>
  %6 = fx.resize %5 : (tensor<4x!s27>) -> tensor<4x!fx.fixed<s32, 4, shared>>
  %7 = fx.reveal %6 : (tensor<4x!fx.fixed<s32, 4, shared>>) -> tensor<4x!fx.fixed<s32, 4, client>>
  fx.output "z" %7 : tensor<4x!fx.fixed<s32, 4, client>>
  return
}
