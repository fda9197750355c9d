// RUN: dyad-opt --lower-to-mpc %s | FileCheck %s --check-prefixes=CHECK,LOOSE
// RUN: dyad-opt --lower-to-mpc=strict-ranges=true %s | FileCheck %s --check-prefixes=CHECK,STRICT
// What is known of a value's sign and range decides how it is extended; with --strict-ranges a
// calibrated range counts for nothing, a proved one does.

!s = !fx.fixed<s12, 4, shared>
!wide = !fx.fixed<s20, 8, shared>
fx.weight @off : tensor<4x!fx.fixed<s11, 4, server>>
fx.weight @w : tensor<4x2x!fx.fixed<s5, 4, server>>

func.func @main() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1x4x!fx.fixed<s8, 4, client>>
  %o = fx.constant @off : tensor<4x!fx.fixed<s11, 4, server>>
  %o1 = fx.reshape %o : (tensor<4x!fx.fixed<s11, 4, server>>) -> tensor<1x4x!fx.fixed<s11, 4, server>>
  %w = fx.constant @w : tensor<4x2x!fx.fixed<s5, 4, server>>
  // |x| <= 16 by its declared range, |off| <= 1024 by its width.
  // CHECK: %[[S:.*]] = mpc.add {{.*}}arith<12>>
  %s = fx.add %x, %o1 : (tensor<1x4x!fx.fixed<s8, 4, client>>, tensor<1x4x!fx.fixed<s11, 4, server>>) -> tensor<1x4x!s>
  // CHECK: mpc.extend %[[S]] {known = #mpc.known<general>}
  %a = fx.matmul %s, %w : (tensor<1x4x!s>, tensor<4x2x!fx.fixed<s5, 4, server>>) -> tensor<1x2x!wide> loc("general")
  %c = fx.assume %s in -500 to 500 <calibrated> : tensor<1x4x!s>
  // LOOSE: mpc.extend {{.*}} {known = #mpc.known<bounded>}
  // STRICT: mpc.extend {{.*}} {known = #mpc.known<general>}
  %b = fx.matmul %c, %w : (tensor<1x4x!s>, tensor<4x2x!fx.fixed<s5, 4, server>>) -> tensor<1x2x!wide> loc("calibrated")
  %p = fx.assume %s in -500 to 500 <proved> : tensor<1x4x!s>
  // CHECK: mpc.extend {{.*}} {known = #mpc.known<bounded>}
  %d = fx.matmul %p, %w : (tensor<1x4x!s>, tensor<4x2x!fx.fixed<s5, 4, server>>) -> tensor<1x2x!wide> loc("proved")
  // A ReLU is exact: its result is not negative whatever the input was.
  // CHECK: mpc.relu
  %r = fx.relu %s : (tensor<1x4x!s>) -> tensor<1x4x!s>
  // CHECK: mpc.extend {{.*}} {known = #mpc.known<non_negative>}
  %e = fx.matmul %r, %w : (tensor<1x4x!s>, tensor<4x2x!fx.fixed<s5, 4, server>>) -> tensor<1x2x!wide> loc("relu")
  %ab = fx.add %a, %b : (tensor<1x2x!wide>, tensor<1x2x!wide>) -> tensor<1x2x!wide>
  %de = fx.add %d, %e : (tensor<1x2x!wide>, tensor<1x2x!wide>) -> tensor<1x2x!wide>
  %y = fx.add %ab, %de : (tensor<1x2x!wide>, tensor<1x2x!wide>) -> tensor<1x2x!wide>
  %z = fx.reveal %y : (tensor<1x2x!wide>) -> tensor<1x2x!fx.fixed<s20, 8, client>>
  fx.output "y" %z : tensor<1x2x!fx.fixed<s20, 8, client>>
  return
}
