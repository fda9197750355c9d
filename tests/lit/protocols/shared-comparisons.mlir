// RUN: dyad-opt --lower-to-mpc %s | FileCheck %s
// What one comparison decides is not compared again: relu(x), relu(-x) and |x| are one ReLU.

!s = !fx.fixed<s10, 4, shared>
!t = tensor<6x!s>
fx.weight @w : tensor<6x!fx.fixed<s4, 0, server>>

func.func @main() {
  %x = fx.input "x" range -3.0 to 3.0 <declared> : tensor<6x!fx.fixed<s7, 4, client>>
  %w = fx.constant @w : tensor<6x!fx.fixed<s4, 0, server>>
  // CHECK: %[[S:.*]] = mpc.mul_private
  // CHECK: %[[R:.*]] = mpc.relu %[[S]]
  // CHECK-NEXT: mpc.sub %[[R]], %[[S]]
  // CHECK-NOT: mpc.relu
  // CHECK-NOT: mpc.msb
  // CHECK: %[[TWICE:.*]] = mpc.shift_left %[[R]] {shift = 1 : i64}
  // CHECK-NEXT: mpc.sub %[[TWICE]], %[[S]]
  // CHECK-NOT: mpc.msb
  // CHECK: mpc.concat
  %s = fx.mul %x, %w : (tensor<6x!fx.fixed<s7, 4, client>>, tensor<6x!fx.fixed<s4, 0, server>>) -> !t
  %a = fx.assume %s in -384 to 384 <calibrated> : !t
  %n = fx.neg %a : (!t) -> !t
  %0 = fx.relu %n : (!t) -> !t
  %1 = fx.relu %a : (!t) -> !t
  %2 = fx.abs %a : (!t) -> !t
  %3 = fx.concat %0, %1, %2 {axis = 0 : i64} : (!t, !t, !t) -> tensor<18x!s>
  %4 = fx.reveal %3 : (tensor<18x!s>) -> tensor<18x!fx.fixed<s10, 4, client>>
  fx.output "y" %4 : tensor<18x!fx.fixed<s10, 4, client>>
  return
}
