// RUN: dyad-opt --lower-to-mpc %s | FileCheck %s
// Who knows the operands of a product decides its form; costs decide whose bits are the choices.

!s = !fx.fixed<s10, 4, shared>
!c = !fx.fixed<s9, 4, client>
fx.weight @off : tensor<2x6x!fx.fixed<s6, 4, server>>
fx.weight @public : tensor<2x6x!fx.fixed<s5, 3, public>> = dense<1> : tensor<2x6xi8>
fx.weight @kernel : tensor<1x1x1x1x!fx.fixed<s5, 3, public>> = dense<3> : tensor<1x1x1x1xi8>
fx.weight @bias : tensor<1x!fx.fixed<s16, 7, server>>
fx.weight @private : tensor<2x6x!fx.fixed<s4, 3, server>>
fx.weight @right : tensor<6x100x!fx.fixed<s3, 2, server>>
fx.weight @wide : tensor<6x100x!fx.fixed<s16, 2, server>>

func.func @main() {
  %x = fx.input "x" range -15.0 to 15.0 <declared> : tensor<2x6x!c>
  %o = fx.constant @off : tensor<2x6x!fx.fixed<s6, 4, server>>
  %k = fx.constant @public : tensor<2x6x!fx.fixed<s5, 3, public>>
  // CHECK: %[[PRIVATE:.*]] = fx.constant @private
  %q = fx.constant @private : tensor<2x6x!fx.fixed<s4, 3, server>>
  %s = fx.add %x, %o : (tensor<2x6x!c>, tensor<2x6x!fx.fixed<s6, 4, server>>) -> tensor<2x6x!s>

  // CHECK: mpc.mul_public {{.*}}arith<16>>
  %1 = fx.mul %s, %k : (tensor<2x6x!s>, tensor<2x6x!fx.fixed<s5, 3, public>>) -> tensor<2x6x!fx.fixed<s16, 7, shared>>
  // CHECK: mpc.mul_private %{{.*}}, %[[PRIVATE]]
  %2 = fx.mul %s, %q : (tensor<2x6x!s>, tensor<2x6x!fx.fixed<s4, 3, server>>) -> tensor<2x6x!fx.fixed<s16, 7, shared>>
  // The server's four bits are fewer choices than the client's nine.
  // CHECK: mpc.mul_private %{{.*}}, %[[PRIVATE]]
  %3 = fx.mul %q, %x : (tensor<2x6x!fx.fixed<s4, 3, server>>, tensor<2x6x!c>) -> tensor<2x6x!fx.fixed<s16, 7, shared>>
  // CHECK: mpc.mul_shared {{.*}}arith<19>>
  %4 = fx.mul %s, %s : (tensor<2x6x!s>, tensor<2x6x!s>) -> tensor<2x6x!fx.fixed<s19, 8, shared>>

  // Two rows: the server would choose with 600 weights, the client with 12 values.
  // CHECK: mpc.matmul {{.*}}ot_client_chooses
  %w = fx.constant @wide : tensor<6x100x!fx.fixed<s16, 2, server>>
  %5 = fx.matmul %x, %w : (tensor<2x6x!c>, tensor<6x100x!fx.fixed<s16, 2, server>>) -> tensor<2x100x!fx.fixed<s26, 6, shared>>
  // Shares of 26 bits against weights of three: the server's bits are cheaper.
  // CHECK: mpc.matmul {{.*}}ot_server_chooses
  %n = fx.constant @right : tensor<6x100x!fx.fixed<s3, 2, server>>
  %6 = fx.matmul %s, %n : (tensor<2x6x!s>, tensor<6x100x!fx.fixed<s3, 2, server>>) -> tensor<2x100x!fx.fixed<s26, 6, shared>>
  // Public weights: local, whether or not a bias is the server's.
  // CHECK: mpc.matmul_public {{.*}} -> tensor<2x2x!mpc.arith<16>>
  %pub = fx.transpose %k {permutation = array<i64: 1, 0>} : (tensor<2x6x!fx.fixed<s5, 3, public>>) -> tensor<6x2x!fx.fixed<s5, 3, public>>
  %8 = fx.matmul %s, %pub : (tensor<2x6x!s>, tensor<6x2x!fx.fixed<s5, 3, public>>) -> tensor<2x2x!fx.fixed<s16, 7, shared>>
  // CHECK: %[[CONV:.*]] = mpc.conv2d_public {{.*}} -> tensor<1x1x2x6x!mpc.arith<16>>
  // CHECK: mpc.add %[[CONV]]
  %image = fx.reshape %s : (tensor<2x6x!s>) -> tensor<1x1x2x6x!s>
  %kernel = fx.constant @kernel : tensor<1x1x1x1x!fx.fixed<s5, 3, public>>
  %bias = fx.constant @bias : tensor<1x!fx.fixed<s16, 7, server>>
  %9 = fx.conv2d %image, %kernel bias %bias {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x6x!s>, tensor<1x1x1x1x!fx.fixed<s5, 3, public>>, tensor<1x!fx.fixed<s16, 7, server>>) -> tensor<1x1x2x6x!fx.fixed<s16, 7, shared>>
  // CHECK: mpc.matmul_shared
  %t = fx.transpose %s {permutation = array<i64: 1, 0>} : (tensor<2x6x!s>) -> tensor<6x2x!s>
  %7 = fx.matmul %s, %t : (tensor<2x6x!s>, tensor<6x2x!s>) -> tensor<2x2x!fx.fixed<s22, 8, shared>>

  %a = fx.add %1, %2 : (tensor<2x6x!fx.fixed<s16, 7, shared>>, tensor<2x6x!fx.fixed<s16, 7, shared>>) -> tensor<2x6x!fx.fixed<s17, 7, shared>>
  %b = fx.add %a, %3 : (tensor<2x6x!fx.fixed<s17, 7, shared>>, tensor<2x6x!fx.fixed<s16, 7, shared>>) -> tensor<2x6x!fx.fixed<s18, 7, shared>>
  %rb = fx.reveal %b : (tensor<2x6x!fx.fixed<s18, 7, shared>>) -> tensor<2x6x!fx.fixed<s18, 7, client>>
  fx.output "b" %rb : tensor<2x6x!fx.fixed<s18, 7, client>>
  %r4 = fx.reveal %4 : (tensor<2x6x!fx.fixed<s19, 8, shared>>) -> tensor<2x6x!fx.fixed<s19, 8, client>>
  fx.output "square" %r4 : tensor<2x6x!fx.fixed<s19, 8, client>>
  %c = fx.add %5, %6 : (tensor<2x100x!fx.fixed<s26, 6, shared>>, tensor<2x100x!fx.fixed<s26, 6, shared>>) -> tensor<2x100x!fx.fixed<s26, 6, shared>>
  %rc = fx.reveal %c : (tensor<2x100x!fx.fixed<s26, 6, shared>>) -> tensor<2x100x!fx.fixed<s26, 6, client>>
  fx.output "c" %rc : tensor<2x100x!fx.fixed<s26, 6, client>>
  // CHECK: mpc.reveal {{.*}} -> tensor<2x2x!fx.fixed<s22, 8, public>>
  %r7 = fx.reveal %7 : (tensor<2x2x!fx.fixed<s22, 8, shared>>) -> tensor<2x2x!fx.fixed<s22, 8, public>>
  fx.output "d" %r7 : tensor<2x2x!fx.fixed<s22, 8, public>>
  %r8 = fx.reveal %8 : (tensor<2x2x!fx.fixed<s16, 7, shared>>) -> tensor<2x2x!fx.fixed<s16, 7, client>>
  fx.output "e" %r8 : tensor<2x2x!fx.fixed<s16, 7, client>>
  %r9 = fx.reveal %9 : (tensor<1x1x2x6x!fx.fixed<s16, 7, shared>>) -> tensor<1x1x2x6x!fx.fixed<s16, 7, client>>
  fx.output "f" %r9 : tensor<1x1x2x6x!fx.fixed<s16, 7, client>>
  return
}
