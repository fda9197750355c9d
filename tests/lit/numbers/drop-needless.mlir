// RUN: dyad-opt %s --drop-needless | FileCheck %s
// RUN: dyad-opt %s --drop-needless=strict | FileCheck %s --check-prefix=STRICT
// Comparisons whose outcome follows from types and assumptions; with `strict` from what is proved.

!s = !fx.fixed<s10, 4, shared>
!t = tensor<6x!s>
!c = !fx.fixed<s10, 4, client>
fx.weight @w : tensor<6x!fx.fixed<s4, 0, server>>

func.func @main() {
  %x = fx.input "x" range -4.0 to 4.0 <declared> : tensor<6x!fx.fixed<s8, 4, client>>
  %w = fx.constant @w : tensor<6x!fx.fixed<s4, 0, server>>
  // CHECK: %[[S:.*]] = fx.mul
  %s = fx.mul %x, %w : (tensor<6x!fx.fixed<s8, 4, client>>, tensor<6x!fx.fixed<s4, 0, server>>) -> !t
  // Assumed of samples: STRICT does not rely on it.
  // CHECK: %[[UP:.*]] = fx.assume %[[S]] in 0 to 60
  // CHECK-NEXT: %[[DOWN:.*]] = fx.assume %[[S]] in -60 to 0
  // CHECK-NEXT: %[[SOME:.*]] = fx.assume %[[S]] in -10 to 60
  %up = fx.assume %s in 0 to 60 <calibrated> : !t
  %down = fx.assume %s in -60 to 0 <calibrated> : !t
  %some = fx.assume %s in -10 to 60 <calibrated> : !t

  // CHECK-NEXT: fx.reveal %[[UP]]
  // STRICT: %[[R:.*]] = fx.relu
  // STRICT-NEXT: fx.reveal %[[R]]
  %0 = fx.relu %up : (!t) -> !t
  %r0 = fx.reveal %0 : (!t) -> tensor<6x!c>
  fx.output "relu" %r0 : tensor<6x!c>

  // CHECK: %[[Z:.*]] = fx.sub %[[DOWN]], %[[DOWN]]
  // CHECK-NEXT: %[[ZERO:.*]] = fx.assume %[[Z]] in 0 to 0 <proved>
  // CHECK-NEXT: fx.reveal %[[ZERO]]
  %1 = fx.relu %down : (!t) -> !t
  %r1 = fx.reveal %1 : (!t) -> tensor<6x!c>
  fx.output "zero" %r1 : tensor<6x!c>

  // CHECK: %[[N:.*]] = fx.neg %[[DOWN]]
  // CHECK-NEXT: fx.reveal %[[N]]
  // STRICT: fx.abs
  %2 = fx.abs %down : (!t) -> !t
  %r2 = fx.reveal %2 : (!t) -> tensor<6x!c>
  fx.output "abs" %r2 : tensor<6x!c>

  // ReLU6 that never reaches 6.
  // CHECK: %[[C:.*]] = fx.relu %[[SOME]]
  // CHECK-NEXT: fx.reveal %[[C]]
  // STRICT: fx.clip
  %3 = fx.clip %some {low = 0 : i64, high = 96 : i64} : (!t) -> !t
  %r3 = fx.reveal %3 : (!t) -> tensor<6x!c>
  fx.output "relu6" %r3 : tensor<6x!c>

  // One that does, and one with a lower bound that no ReLU has.
  // CHECK: fx.clip %[[SOME]] {high = 59 : i64, low = 0 : i64}
  // CHECK: fx.clip %[[SOME]] {high = 96 : i64, low = -5 : i64}
  // CHECK: fx.reveal %[[SOME]]
  %4 = fx.clip %some {low = 0 : i64, high = 59 : i64} : (!t) -> !t
  %5 = fx.clip %some {low = -5 : i64, high = 96 : i64} : (!t) -> !t
  %6 = fx.clip %some {low = -10 : i64, high = 96 : i64} : (!t) -> !t
  %45 = fx.concat %4, %5 {axis = 0 : i64} : (!t, !t) -> tensor<12x!s>
  %r45 = fx.reveal %45 : (tensor<12x!s>) -> tensor<12x!c>
  fx.output "clips" %r45 : tensor<12x!c>
  %r6 = fx.reveal %6 : (!t) -> tensor<6x!c>
  fx.output "clip" %r6 : tensor<6x!c>

  // CHECK: fx.max %[[UP]], %[[SOME]]
  // CHECK-NOT: fx.max
  // CHECK: fx.reveal %[[UP]]
  // CHECK: fx.reveal %[[DOWN]]
  %7 = fx.max %up, %some : (!t, !t) -> !t
  %r7 = fx.reveal %7 : (!t) -> tensor<6x!c>
  fx.output "max" %r7 : tensor<6x!c>
  %8 = fx.max %down, %up : (!t, !t) -> !t
  %r8 = fx.reveal %8 : (!t) -> tensor<6x!c>
  fx.output "larger" %r8 : tensor<6x!c>
  %9 = fx.min %down, %up : (!t, !t) -> !t
  %r9 = fx.reveal %9 : (!t) -> tensor<6x!c>
  fx.output "smaller" %r9 : tensor<6x!c>
  return
}
