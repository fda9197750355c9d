// RUN: dyad-opt --lower-to-mpc %s | FileCheck %s
// What belongs to one party stays fx and runs in the clear; the rest becomes protocols, in rings no
// wider than the values ask for.

!c = !fx.fixed<s8, 4, client>
!acc = !fx.fixed<s16, 7, shared>
!s = !fx.fixed<s12, 4, shared>

fx.weight @conv.w : tensor<2x1x3x3x!fx.fixed<s4, 3, server>>
fx.weight @conv.b : tensor<2x!fx.fixed<s16, 7, server>>
fx.weight @fc.w : tensor<8x3x!fx.fixed<s5, 4, server>>

// CHECK-LABEL: func.func @main
func.func @main() {
  %x = fx.input "x" range -4.0 to 4.0 <declared> : tensor<6x6x1x1x!c>
  // CHECK: %[[X:.*]] = fx.transpose {{.*}}fixed<s8, 4, client>>
  // CHECK: mpc.share %[[X]] : {{.*}} -> tensor<1x1x6x6x!mpc.arith<16>>
  %t = fx.transpose %x {permutation = array<i64: 2, 3, 0, 1>} : (tensor<6x6x1x1x!c>) -> tensor<1x1x6x6x!c>
  %w = fx.constant @conv.w : tensor<2x1x3x3x!fx.fixed<s4, 3, server>>
  %b = fx.constant @conv.b : tensor<2x!fx.fixed<s16, 7, server>>
  // CHECK: mpc.conv2d %{{.*}}, %{{.*}} bias %{{.*}}!mpc.arith<16>>
  %y = fx.conv2d %t, %w bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x6x6x!c>, tensor<2x1x3x3x!fx.fixed<s4, 3, server>>, tensor<2x!fx.fixed<s16, 7, server>>) -> tensor<1x2x4x4x!acc>
  // An assumption has been used when protocols are chosen; nothing is left of it.
  // CHECK-NOT: assume
  %a = fx.assume %y in -6000 to 6000 <calibrated> : tensor<1x2x4x4x!acc>
  // CHECK: mpc.truncate_reduce %{{.*}} {rounding = #fx.rounding<nearest>, shift = 3 : i64} : {{.*}}arith<16>>) -> {{.*}}arith<13>>
  %r = fx.truncate %a {shift = 3 : i64, rounding = #fx.rounding<nearest>} : (tensor<1x2x4x4x!acc>) -> tensor<1x2x4x4x!s>
  // |x| <= 750 needs 11 bits; to compare fewer is cheaper, and to narrow is free.
  // CHECK: mpc.narrow {{.*}}arith<11>>
  // CHECK: mpc.relu {{.*}}arith<11>>
  %p = fx.relu %r : (tensor<1x2x4x4x!s>) -> tensor<1x2x4x4x!s>
  // CHECK: mpc.max_pool2d {{.*}}arith<11>>
  %m = fx.max_pool2d %p {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x2x4x4x!s>) -> tensor<1x2x2x2x!s>
  // CHECK: mpc.reshape {{.*}}arith<11>>
  %f = fx.reshape %m : (tensor<1x2x2x2x!s>) -> tensor<1x8x!s>
  %v = fx.constant @fc.w : tensor<8x3x!fx.fixed<s5, 4, server>>
  // CHECK: mpc.extend %{{.*}} {known = #mpc.known<non_negative>} : {{.*}}arith<11>>) -> {{.*}}arith<20>>
  // CHECK: mpc.matmul {{.*}}arith<20>>
  %z = fx.matmul %f, %v : (tensor<1x8x!s>, tensor<8x3x!fx.fixed<s5, 4, server>>) -> tensor<1x3x!fx.fixed<s20, 8, shared>>
  // CHECK: mpc.reveal {{.*}} -> tensor<1x3x!fx.fixed<s20, 8, client>>
  %o = fx.reveal %z : (tensor<1x3x!fx.fixed<s20, 8, shared>>) -> tensor<1x3x!fx.fixed<s20, 8, client>>
  fx.output "y" %o : tensor<1x3x!fx.fixed<s20, 8, client>>
  return
}
