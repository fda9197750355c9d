// RUN: dyad-opt --lower-to-mpc %s | FileCheck %s
// Changes of scale: a truncation leaves a narrow ring, which is only widened for who needs it.

!s = !fx.fixed<s10, 4, shared>
fx.weight @off : tensor<2x6x!fx.fixed<s9, 4, server>>
fx.weight @w : tensor<6x4x!fx.fixed<s5, 3, server>>

func.func @main() {
  %x = fx.input "x" range -15.0 to 15.0 <declared> : tensor<2x6x!fx.fixed<s9, 4, client>>
  %o = fx.constant @off : tensor<2x6x!fx.fixed<s9, 4, server>>
  // CHECK: %[[S:.*]] = mpc.add {{.*}} : tensor<2x6x!mpc.arith<10>>
  %s = fx.add %x, %o : (tensor<2x6x!fx.fixed<s9, 4, client>>, tensor<2x6x!fx.fixed<s9, 4, server>>) -> tensor<2x6x!s>

  // The result's type is as wide as the input's; its ring is not, and what is revealed is the value.
  // CHECK: mpc.truncate_reduce %[[S]] {{.*}} -> tensor<2x6x!mpc.arith<7>>
  // CHECK: mpc.reveal {{.*}} -> tensor<2x6x!fx.fixed<s7, 1, client>>
  // CHECK: fx.resize {{.*}} -> tensor<2x6x!fx.fixed<s10, 1, client>>
  %t = fx.truncate %s {shift = 3 : i64, rounding = #fx.rounding<floor>} : (tensor<2x6x!s>) -> tensor<2x6x!fx.fixed<s10, 1, shared>>
  %rt = fx.reveal %t : (tensor<2x6x!fx.fixed<s10, 1, shared>>) -> tensor<2x6x!fx.fixed<s10, 1, client>>
  fx.output "t" %rt : tensor<2x6x!fx.fixed<s10, 1, client>>

  // A shift of ten bits of a number of ten bits leaves its sign; the ring must hold one bit more.
  // CHECK: mpc.extend %[[S]] {known = #mpc.known<general>} {{.*}} -> tensor<2x6x!mpc.arith<11>>
  // CHECK: mpc.truncate_reduce {{.*}}shift = 10{{.*}} -> tensor<2x6x!mpc.arith<1>>
  %g = fx.truncate %s {shift = 10 : i64, rounding = #fx.rounding<floor>} : (tensor<2x6x!s>) -> tensor<2x6x!fx.fixed<s2, -6, shared>>
  %rg = fx.reveal %g : (tensor<2x6x!fx.fixed<s2, -6, shared>>) -> tensor<2x6x!fx.fixed<s2, -6, client>>
  fx.output "g" %rg : tensor<2x6x!fx.fixed<s2, -6, client>>

  // No extension in front of a shift to the left.
  // CHECK: mpc.shift_left %[[S]] {shift = 5 : i64} : {{.*}} -> tensor<2x6x!mpc.arith<15>>
  %l = fx.shift_left %s {shift = 5 : i64} : (tensor<2x6x!s>) -> tensor<2x6x!fx.fixed<s15, 9, shared>>
  %rl = fx.reveal %l : (tensor<2x6x!fx.fixed<s15, 9, shared>>) -> tensor<2x6x!fx.fixed<s15, 9, client>>
  fx.output "l" %rl : tensor<2x6x!fx.fixed<s15, 9, client>>

  // A division needs room above the dividend; by a power of two it is a truncation.
  // CHECK: mpc.divide {{.*}}divisor = 7{{.*}}arith<11>>
  %d = fx.divide %s {divisor = 7 : i64, rounding = #fx.rounding<nearest>} : (tensor<2x6x!s>) -> tensor<2x6x!s>
  %rd = fx.reveal %d : (tensor<2x6x!s>) -> tensor<2x6x!fx.fixed<s10, 4, client>>
  fx.output "d" %rd : tensor<2x6x!fx.fixed<s10, 4, client>>
  // CHECK: mpc.truncate_reduce {{.*}}shift = 2
  %p = fx.divide %s {divisor = 4 : i64, rounding = #fx.rounding<nearest>} : (tensor<2x6x!s>) -> tensor<2x6x!s>
  %rp = fx.reveal %p : (tensor<2x6x!s>) -> tensor<2x6x!fx.fixed<s10, 4, client>>
  fx.output "p" %rp : tensor<2x6x!fx.fixed<s10, 4, client>>
  return
}
