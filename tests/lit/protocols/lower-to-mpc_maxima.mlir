// RUN: dyad-opt --lower-to-mpc %s | FileCheck %s
// Differences of a max-pool's operands need a bit more than the operands. Where these come from a product,
// the product is computed one bit wider: nothing is extended behind the truncation.

!acc = !fx.fixed<s16, 8, shared>
!s = !fx.fixed<s12, 4, shared>
fx.weight @w : tensor<1x4x1x1x!fx.fixed<s8, 4, server>>

func.func @main() {
  %x = fx.input "x" range -8.0 to 7.5 <declared> : tensor<1x4x4x4x!fx.fixed<s8, 4, client>>
  %w = fx.constant @w : tensor<1x4x1x1x!fx.fixed<s8, 4, server>>
  // CHECK: mpc.conv2d {{.*}} -> tensor<1x1x4x4x!mpc.arith<17>>
  %y = fx.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x4x4x!fx.fixed<s8, 4, client>>, tensor<1x4x1x1x!fx.fixed<s8, 4, server>>) -> tensor<1x1x4x4x!acc>
  // CHECK: mpc.truncate_reduce {{.*}} -> tensor<1x1x4x4x!mpc.arith<13>>
  %t = fx.truncate %y {shift = 4 : i64, rounding = #fx.rounding<floor>} : (tensor<1x1x4x4x!acc>) -> tensor<1x1x4x4x!s>
  // CHECK-NOT: mpc.extend
  // CHECK: mpc.max_pool2d {{.*}}arith<13>>
  %m = fx.max_pool2d %t {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4x!s>) -> tensor<1x1x2x2x!s>
  %r = fx.reveal %m : (tensor<1x1x2x2x!s>) -> tensor<1x1x2x2x!fx.fixed<s12, 4, client>>
  fx.output "y" %r : tensor<1x1x2x2x!fx.fixed<s12, 4, client>>
  return
}
