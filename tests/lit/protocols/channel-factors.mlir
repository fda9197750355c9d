// RUN: dyad-opt --lower-to-mpc="linear=ot" %s | FileCheck %s
// One private number for each channel: choices for the channel's bits, not for those of each element.

!s = !fx.fixed<s10, 4, shared>
!f = !fx.fixed<s4, 3, server>
fx.weight @off : tensor<2x3x8x!fx.fixed<s6, 4, server>>
fx.weight @middle : tensor<3x1x!f>
fx.weight @last : tensor<8x!f>
fx.weight @one : tensor<1x!f>
fx.weight @apart : tensor<2x1x8x!f>

func.func @main() {
  %x = fx.input "x" range -15.0 to 15.0 <declared> : tensor<2x3x8x!fx.fixed<s9, 4, client>>
  %o = fx.constant @off : tensor<2x3x8x!fx.fixed<s6, 4, server>>
  %s = fx.add %x, %o : (tensor<2x3x8x!fx.fixed<s9, 4, client>>, tensor<2x3x8x!fx.fixed<s6, 4, server>>) -> tensor<2x3x8x!s>
  // CHECK: %[[MIDDLE:.*]] = fx.constant @middle
  %m = fx.constant @middle : tensor<3x1x!f>
  %ms = fx.broadcast %m : (tensor<3x1x!f>) -> tensor<2x3x8x!f>
  // CHECK: %[[T:.*]] = mpc.transpose %{{.*}} {permutation = array<i64: 1, 0, 2>}
  // CHECK: %[[R:.*]] = mpc.reshape %[[T]] : {{.*}} -> tensor<3x1x16x!mpc.arith<13>>
  // CHECK: %[[F:.*]] = fx.reshape %[[MIDDLE]] : {{.*}} -> tensor<3x1x1x
  // CHECK: %[[P:.*]] = mpc.matmul %[[F]], %[[R]] {protocol = #mpc.linear<ot_server_chooses>}
  // CHECK: mpc.transpose
  %0 = fx.mul %s, %ms : (tensor<2x3x8x!s>, tensor<2x3x8x!f>) -> tensor<2x3x8x!fx.fixed<s13, 7, shared>>
  // CHECK: fx.reshape {{.*}} -> tensor<8x1x1x
  // CHECK: mpc.matmul {{.*}} -> tensor<8x1x6x
  %l = fx.constant @last : tensor<8x!f>
  %ls = fx.broadcast %l : (tensor<8x!f>) -> tensor<2x3x8x!f>
  %1 = fx.mul %s, %ls : (tensor<2x3x8x!s>, tensor<2x3x8x!f>) -> tensor<2x3x8x!fx.fixed<s13, 7, shared>>
  // CHECK: mpc.matmul {{.*}} -> tensor<1x1x48x
  %n = fx.constant @one : tensor<1x!f>
  %ns = fx.broadcast %n : (tensor<1x!f>) -> tensor<2x3x8x!f>
  %2 = fx.mul %s, %ns : (tensor<2x3x8x!s>, tensor<2x3x8x!f>) -> tensor<2x3x8x!fx.fixed<s13, 7, shared>>
  // Numbers along two axes that are no neighbours: one for each element.
  // CHECK: mpc.mul_private
  %a = fx.constant @apart : tensor<2x1x8x!f>
  %as = fx.broadcast %a : (tensor<2x1x8x!f>) -> tensor<2x3x8x!f>
  %3 = fx.mul %s, %as : (tensor<2x3x8x!s>, tensor<2x3x8x!f>) -> tensor<2x3x8x!fx.fixed<s13, 7, shared>>
  %4 = fx.concat %0, %1, %2, %3 {axis = 0 : i64} : (tensor<2x3x8x!fx.fixed<s13, 7, shared>>, tensor<2x3x8x!fx.fixed<s13, 7, shared>>, tensor<2x3x8x!fx.fixed<s13, 7, shared>>, tensor<2x3x8x!fx.fixed<s13, 7, shared>>) -> tensor<8x3x8x!fx.fixed<s13, 7, shared>>
  %5 = fx.reveal %4 : (tensor<8x3x8x!fx.fixed<s13, 7, shared>>) -> tensor<8x3x8x!fx.fixed<s13, 7, client>>
  fx.output "y" %5 : tensor<8x3x8x!fx.fixed<s13, 7, client>>
  return
}
