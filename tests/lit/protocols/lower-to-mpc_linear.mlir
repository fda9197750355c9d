// RUN: dyad-opt --lower-to-mpc %s | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: dyad-opt --lower-to-mpc="linear=he" %s | FileCheck %s --check-prefixes=CHECK,HE
// RUN: dyad-opt --lower-to-mpc="linear=ot" %s | FileCheck %s --check-prefixes=CHECK,OT
// RUN: not dyad-opt --lower-to-mpc="linear=rlwe" %s 2>&1 | FileCheck %s --check-prefix=WRONG
// RLWE pays for products that are large enough for its keys and its polynomials, and OT does the rest.
// WRONG: linear=rlwe should be auto, ot or he

fx.weight @small : tensor<6x2x!fx.fixed<s3, 2, server>>
fx.weight @large : tensor<64x64x3x3x!fx.fixed<s12, 8, server>>
fx.weight @wide : tensor<6x2x!fx.fixed<s40, 2, server>>

func.func @main() {
  %x = fx.input "x" range -15.0 to 15.0 <declared> : tensor<2x6x!fx.fixed<s9, 4, client>>
  %s = fx.constant @small : tensor<6x2x!fx.fixed<s3, 2, server>>
  // AUTO: mpc.matmul {{.*}}ot_
  // HE: mpc.matmul {{.*}}<he>
  // OT: mpc.matmul {{.*}}ot_
  %1 = fx.matmul %x, %s : (tensor<2x6x!fx.fixed<s9, 4, client>>, tensor<6x2x!fx.fixed<s3, 2, server>>) -> tensor<2x2x!fx.fixed<s16, 6, shared>>
  %r1 = fx.reveal %1 : (tensor<2x2x!fx.fixed<s16, 6, shared>>) -> tensor<2x2x!fx.fixed<s16, 6, client>>
  fx.output "small" %r1 : tensor<2x2x!fx.fixed<s16, 6, client>>

  %y = fx.input "y" range -15.0 to 15.0 <declared> : tensor<1x64x28x28x!fx.fixed<s9, 4, client>>
  %l = fx.constant @large : tensor<64x64x3x3x!fx.fixed<s12, 8, server>>
  // AUTO: mpc.conv2d {{.*}}<he>
  // HE: mpc.conv2d {{.*}}<he>
  // OT: mpc.conv2d {{.*}}ot_
  %2 = fx.conv2d %y, %l {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x28x28x!fx.fixed<s9, 4, client>>, tensor<64x64x3x3x!fx.fixed<s12, 8, server>>) -> tensor<1x64x28x28x!fx.fixed<s31, 12, shared>>
  %r2 = fx.reveal %2 : (tensor<1x64x28x28x!fx.fixed<s31, 12, shared>>) -> tensor<1x64x28x28x!fx.fixed<s31, 12, client>>
  fx.output "large" %r2 : tensor<1x64x28x28x!fx.fixed<s31, 12, client>>

  // No RLWE parameters are exact for 60 bits.
  %w = fx.constant @wide : tensor<6x2x!fx.fixed<s40, 2, server>>
  // CHECK: mpc.matmul {{.*}}ot_
  %3 = fx.matmul %x, %w : (tensor<2x6x!fx.fixed<s9, 4, client>>, tensor<6x2x!fx.fixed<s40, 2, server>>) -> tensor<2x2x!fx.fixed<s60, 6, shared>>
  %r3 = fx.reveal %3 : (tensor<2x2x!fx.fixed<s60, 6, shared>>) -> tensor<2x2x!fx.fixed<s60, 6, client>>
  fx.output "wide" %r3 : tensor<2x2x!fx.fixed<s60, 6, client>>
  return
}
