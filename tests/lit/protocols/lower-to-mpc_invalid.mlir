// RUN: not dyad-opt --lower-to-mpc %s 2>&1 | FileCheck %s
// All problems in one run, each at the ONNX node that it came from.

!c = !fx.fixed<s8, 4, client>
!s = !fx.fixed<s16, 8, shared>
fx.weight @off : tensor<1x1x3x3x!fx.fixed<s8, 4, server>>

func.func @main() {
  %x = fx.input "x" range -4.0 to 4.0 <declared> : tensor<1x1x3x3x!c>
  %o = fx.constant @off : tensor<1x1x3x3x!fx.fixed<s8, 4, server>>
  %w = fx.input "w" range -4.0 to 4.0 <declared> : tensor<1x1x3x3x!c>
  %s = fx.add %x, %o : (tensor<1x1x3x3x!c>, tensor<1x1x3x3x!fx.fixed<s8, 4, server>>) -> tensor<1x1x3x3x!fx.fixed<s9, 4, shared>>
  // CHECK: error: convolution of shared values needs weights that the server knows, not client ones
  %y = fx.conv2d %s, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x3x3x!fx.fixed<s9, 4, shared>>, tensor<1x1x3x3x!c>) -> tensor<1x1x1x1x!s>
  // CHECK: error: no protocol computes fx.requantize on shared values
  %q = fx.requantize %s : (tensor<1x1x3x3x!fx.fixed<s9, 4, shared>>) -> tensor<1x1x3x3x!s>
  return
}
