// RUN: dyad-opt --lower-to-mpc="network=1000Gbit,100ms" %s | FileCheck %s --check-prefix=SLOW
// RUN: dyad-opt --lower-to-mpc="network=100kbit,0s" %s | FileCheck %s --check-prefix=THIN
// A truncation in front of a product that needs the old width: staying in the ring saves two flows,
// reducing and extending saves bytes.

!acc = !fx.fixed<s20, 8, shared>
fx.weight @off : tensor<2x64x!fx.fixed<s16, 8, server>>
fx.weight @w : tensor<64x4x!fx.fixed<s5, 3, server>>

func.func @main() {
  %x = fx.input "x" range -15.0 to 15.0 <declared> : tensor<2x64x!fx.fixed<s13, 8, client>>
  %o = fx.constant @off : tensor<2x64x!fx.fixed<s16, 8, server>>
  %s = fx.add %x, %o : (tensor<2x64x!fx.fixed<s13, 8, client>>, tensor<2x64x!fx.fixed<s16, 8, server>>) -> tensor<2x64x!acc>
  %e = fx.mul %s, %s : (tensor<2x64x!acc>, tensor<2x64x!acc>) -> tensor<2x64x!fx.fixed<s40, 16, shared>>
  %a = fx.assume %e in -100000000 to 100000000 <declared> : tensor<2x64x!fx.fixed<s40, 16, shared>>
  // SLOW: mpc.truncate %{{.*}} {known = #mpc.known<non_negative>
  // SLOW-NOT: extend
  // THIN: mpc.truncate_reduce
  // THIN: mpc.extend
  %t = fx.truncate %a {shift = 8 : i64, rounding = #fx.rounding<nearest>} : (tensor<2x64x!fx.fixed<s40, 16, shared>>) -> tensor<2x64x!fx.fixed<s20, 8, shared>>
  %w = fx.constant @w : tensor<64x4x!fx.fixed<s5, 3, server>>
  %y = fx.matmul %t, %w : (tensor<2x64x!acc>, tensor<64x4x!fx.fixed<s5, 3, server>>) -> tensor<2x4x!fx.fixed<s36, 11, shared>>
  %r = fx.reveal %y : (tensor<2x4x!fx.fixed<s36, 11, shared>>) -> tensor<2x4x!fx.fixed<s36, 11, client>>
  fx.output "y" %r : tensor<2x4x!fx.fixed<s36, 11, client>>
  return
}
