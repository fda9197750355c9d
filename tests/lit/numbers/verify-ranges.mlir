// What ranges allow has to fit, for all inputs: each first function is refused, each second one, a bit wider or a number
// smaller, is not. Widths are odd on purpose.
// RUN: dyad-opt %s --split-input-file --verify-diagnostics --verify-ranges

!x = !fx.fixed<s5, 2, client>
func.func @product(%a: tensor<2x!x>) {
  // -16 * -16 = 256.
  // expected-error @+1 {{allow 0 to 256, which s9 does not hold: it needs 10 bits, or an fx.assume behind it}}
  %0 = fx.mul %a, %a : (tensor<2x!x>, tensor<2x!x>) -> tensor<2x!fx.fixed<s9, 4, client>>
  return
}
func.func @product_fits(%a: tensor<2x!x>) {
  %0 = fx.mul %a, %a : (tensor<2x!x>, tensor<2x!x>) -> tensor<2x!fx.fixed<s10, 4, client>>
  %1 = fx.assume %a in -15 to 15 <declared> : tensor<2x!x>
  %2 = fx.mul %1, %1 : (tensor<2x!x>, tensor<2x!x>) -> tensor<2x!fx.fixed<s9, 4, client>>
  return
}

// -----
!a = !fx.fixed<s13, 4, client>
!b = !fx.fixed<s27, 4, client>
func.func @sum(%a: tensor<2x!a>, %b: tensor<2x!b>) {
  // expected-error @+1 {{-67112960 to 67112958, which s27 does not hold: it needs 28 bits}}
  %0 = fx.add %a, %b : (tensor<2x!a>, tensor<2x!b>) -> tensor<2x!b>
  return
}
func.func @sum_fits(%a: tensor<2x!a>, %b: tensor<2x!b>) {
  %0 = fx.assume %b in -67104768 to 67104768 <calibrated> : tensor<2x!b>
  %1 = fx.add %a, %0 : (tensor<2x!a>, tensor<2x!b>) -> tensor<2x!b>
  // The program relies on the sum itself.
  %2 = fx.add %a, %b : (tensor<2x!a>, tensor<2x!b>) -> tensor<2x!b>
  %3 = fx.assume %2 in -5000 to 5000 <calibrated> : tensor<2x!b>
  return
}

// -----
// Weights count with their values, each output channel for itself: the second one is -1 * 16 - 5 * 16 to 1 * 16 + 5 * 15.
!x = !fx.fixed<s5, 0, client>
fx.weight @w : tensor<2x1x1x2x!fx.fixed<s8, 0, server>> = dense<[[[[2, 3]]], [[[-1, 5]]]]> : tensor<2x1x1x2xi8>
fx.weight @b : tensor<2x!fx.fixed<s8, 0, server>> = dense<[7, 0]> : tensor<2xi8>
func.func @convolution(%x: tensor<1x1x1x3x!x>) {
  %w = fx.constant @w : tensor<2x1x1x2x!fx.fixed<s8, 0, server>>
  %b = fx.constant @b : tensor<2x!fx.fixed<s8, 0, server>>
  // expected-error @+1 {{allow -95 to 91, which s7 does not hold: it needs 8 bits}}
  %0 = fx.conv2d %x, %w bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x1x3x!x>, tensor<2x1x1x2x!fx.fixed<s8, 0, server>>, tensor<2x!fx.fixed<s8, 0, server>>) -> tensor<1x2x1x2x!fx.fixed<s7, 0, shared>>
  %1 = fx.conv2d %x, %w bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x1x3x!x>, tensor<2x1x1x2x!fx.fixed<s8, 0, server>>, tensor<2x!fx.fixed<s8, 0, server>>) -> tensor<1x2x1x2x!fx.fixed<s8, 0, shared>>
  return
}

// -----
// Without values a weight is anything of its type: 3 * 2^41.
!x = !fx.fixed<s27, 0, client>
fx.weight @w : tensor<3x1x!fx.fixed<s16, 0, server>>
func.func @matmul(%x: tensor<1x3x!x>) {
  %w = fx.constant @w : tensor<3x1x!fx.fixed<s16, 0, server>>
  // expected-error @+1 {{which s41 does not hold: it needs 44 bits}}
  %0 = fx.matmul %x, %w : (tensor<1x3x!x>, tensor<3x1x!fx.fixed<s16, 0, server>>) -> tensor<1x1x!fx.fixed<s41, 0, shared>>
  %1 = fx.matmul %x, %w : (tensor<1x3x!x>, tensor<3x1x!fx.fixed<s16, 0, server>>) -> tensor<1x1x!fx.fixed<s44, 0, shared>>
  return
}

// -----
!x = !fx.fixed<s16, 8, shared>
func.func @widths(%x: tensor<4x!x>) {
  // Rounding to nearest may reach one more: 32767 / 256 is 128.
  // expected-error @+1 {{allow -128 to 128, which s8 does not hold: it needs 9 bits}}
  %0 = fx.truncate %x {shift = 8 : i64, rounding = #fx.rounding<nearest>} : (tensor<4x!x>) -> tensor<4x!fx.fixed<s8, 0, shared>>
  %1 = fx.truncate %x {shift = 8 : i64, rounding = #fx.rounding<floor>} : (tensor<4x!x>) -> tensor<4x!fx.fixed<s8, 0, shared>>
  // expected-error @+1 {{allow -32768 to 32767, which s13 does not hold: it needs 16 bits}}
  %2 = fx.resize %x : (tensor<4x!x>) -> tensor<4x!fx.fixed<s13, 8, shared>>
  // expected-error @+1 {{which u15 does not hold: it needs 16 bits and a sign}}
  %3 = fx.resize %x : (tensor<4x!x>) -> tensor<4x!fx.fixed<u15, 8, shared>>
  %4 = fx.relu %x : (tensor<4x!x>) -> tensor<4x!x>
  %5 = fx.resize %4 : (tensor<4x!x>) -> tensor<4x!fx.fixed<u15, 8, shared>>
  // expected-error @+1 {{which s17 does not hold: it needs 18 bits}}
  %6 = fx.reduce_sum %x {axes = array<i64: 0>} : (tensor<4x!x>) -> tensor<1x!fx.fixed<s17, 8, shared>>
  %7 = fx.reduce_sum %x {axes = array<i64: 0>} : (tensor<4x!x>) -> tensor<1x!fx.fixed<s18, 8, shared>>
  // expected-error @+1 {{allow -32767 to 32768, which s16 does not hold}}
  %8 = fx.neg %x : (tensor<4x!x>) -> tensor<4x!x>
  // expected-error @+1 {{it needs 21 bits}}
  %9 = fx.shift_left %x {shift = 5 : i64} : (tensor<4x!x>) -> tensor<4x!fx.fixed<s20, 13, shared>>
  return
}

// -----
// A logarithm that was fitted for 64 and more, as 1.0 to 3.5 at 6 fraction bits are.
!x = !fx.fixed<s9, 6, client>
func.func @function() {
  %x = fx.input "x" range 0.5 to 3.5 <declared> : tensor<4x!x>
  // expected-error @+1 {{log of integers from 32 to 224, as the ranges that the program assumes allow}}
  %0 = fx.function "log" %x {numbers = array<i64: 1, 9, 6, 7, 1, 0, 9, 128, 7, 0, 0, 0, 0, 2, 1, 11, 2, 0, 1, 0, 2, 4, 29, 81, 124, 160, 2, 0, 4, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 10, 0, 177, -177, 10, 2, 0, 8, 0>} : (tensor<4x!x>) -> tensor<4x!fx.fixed<s8, 6, client>>
  %1 = fx.assume %x in 64 to 224 <calibrated> : tensor<4x!x>
  %2 = fx.function "log" %1 {numbers = array<i64: 1, 9, 6, 7, 1, 0, 9, 128, 7, 0, 0, 0, 0, 2, 1, 11, 2, 0, 1, 0, 2, 4, 29, 81, 124, 160, 2, 0, 4, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 10, 0, 177, -177, 10, 2, 0, 8, 0>} : (tensor<4x!x>) -> tensor<4x!fx.fixed<s8, 6, client>>
  return
}
