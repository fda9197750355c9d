// What the verifiers of fx refuse. Structure operations: tests/lit/nn/structure_invalid.mlir.
// RUN: dyad-opt %s -verify-diagnostics -split-input-file

// expected-error @+1 {{value must have the weight's shape and elements of i32}}
fx.weight @w : tensor<2x!fx.fixed<s20, 8, server>> = dense<[1, 2]> : tensor<2xi64>

// -----
// expected-error @+1 {{is known to somebody; it cannot be shared}}
fx.weight @w : tensor<2x!fx.fixed<s20, 8, shared>>

// -----
// expected-error @+1 {{needs a static tensor type of fx.fixed}}
fx.weight @w : tensor<2xf32>

// -----
func.func @main() {
  // expected-error @+1 {{names 'missing', which is no fx.weight}}
  %0 = fx.constant @missing : tensor<2x!fx.fixed<s20, 8, server>>
  return
}

// -----
fx.weight @w : tensor<2x!fx.fixed<s20, 8, server>>
func.func @main() {
  // expected-error @+1 {{has another type than the weight 'w'}}
  %0 = fx.constant @w : tensor<2x!fx.fixed<s20, 9, server>>
  return
}

// -----
func.func @main() {
  // expected-error @+1 {{is known to somebody; it cannot be shared}}
  %0 = fx.input "x" range 0.0 to 1.0 <declared> : tensor<2x!fx.fixed<s20, 8, shared>>
  return
}

// -----
func.func @main() {
  // expected-error @+1 {{range needs low <= high}}
  %0 = fx.input "x" range 1.0 to 0.0 <declared> : tensor<2x!fx.fixed<s20, 8, client>>
  return
}

// -----
func.func @main() {
  // expected-error @+1 {{range does not fit the type}}
  %0 = fx.input "x" range 0.0 to 128.0 <declared> : tensor<2x!fx.fixed<s16, 8, client>>
  return
}

// -----
func.func @output(%x: tensor<2x!fx.fixed<s16, 8, shared>>) {
  // expected-error @+1 {{is shared; reveal it to its receiver first}}
  fx.output "y" %x : tensor<2x!fx.fixed<s16, 8, shared>>
  return
}

// -----
func.func @reveal_to_nobody(%x: tensor<2x!fx.fixed<s16, 8, shared>>) {
  // expected-error @+1 {{must name a receiver: client, server or public}}
  %0 = fx.reveal %x : (tensor<2x!fx.fixed<s16, 8, shared>>) -> tensor<2x!fx.fixed<s16, 8, shared>>
  return
}

// -----
func.func @reveal_changes(%x: tensor<2x!fx.fixed<s16, 8, shared>>) {
  // expected-error @+1 {{changes nothing but the owner}}
  %0 = fx.reveal %x : (tensor<2x!fx.fixed<s16, 8, shared>>) -> tensor<2x!fx.fixed<s16, 7, client>>
  return
}

// -----
func.func @assume_order(%x: tensor<2x!fx.fixed<s16, 8, shared>>) {
  // expected-error @+1 {{range needs low <= high}}
  %0 = fx.assume %x in 3 to 2 <declared> : tensor<2x!fx.fixed<s16, 8, shared>>
  return
}

// -----
func.func @assume_type(%x: tensor<2x!fx.fixed<s16, 8, shared>>) {
  // expected-error @+1 {{range does not fit the type}}
  %0 = fx.assume %x in 0 to 32768 <declared> : tensor<2x!fx.fixed<s16, 8, shared>>
  return
}

// -----
func.func @lowered_owner(%x: tensor<2x!fx.fixed<s16, 8, client>>, %y: tensor<2x!fx.fixed<s16, 8, server>>) {
  // expected-error @+1 {{result must be owned by 'shared', the join of its operands' owners, not by 'client'}}
  %0 = fx.add %x, %y : (tensor<2x!fx.fixed<s16, 8, client>>, tensor<2x!fx.fixed<s16, 8, server>>) -> tensor<2x!fx.fixed<s17, 8, client>>
  return
}

// -----
func.func @fraction(%x: tensor<2x!fx.fixed<s16, 8, client>>, %y: tensor<2x!fx.fixed<s16, 7, client>>) {
  // expected-error @+1 {{needs fractions that agree; the operand has 7 bits, the result 8}}
  %0 = fx.add %x, %y : (tensor<2x!fx.fixed<s16, 8, client>>, tensor<2x!fx.fixed<s16, 7, client>>) -> tensor<2x!fx.fixed<s17, 8, client>>
  return
}

// -----
func.func @shape(%x: tensor<2x!fx.fixed<s16, 8, client>>, %y: tensor<3x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{needs operands and result of one shape}}
  %0 = fx.max %x, %y : (tensor<2x!fx.fixed<s16, 8, client>>, tensor<3x!fx.fixed<s16, 8, client>>) -> tensor<2x!fx.fixed<s16, 8, client>>
  return
}

// -----
func.func @product(%x: tensor<2x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{result must have 16 fraction bits, the operands' sum}}
  %0 = fx.mul %x, %x : (tensor<2x!fx.fixed<s16, 8, client>>, tensor<2x!fx.fixed<s16, 8, client>>) -> tensor<2x!fx.fixed<s32, 8, client>>
  return
}

// -----
func.func @prelu(%x: tensor<2x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{result must have 16 fraction bits, the operands' sum}}
  %0 = fx.prelu %x, %x : (tensor<2x!fx.fixed<s16, 8, client>>, tensor<2x!fx.fixed<s16, 8, client>>) -> tensor<2x!fx.fixed<s32, 8, client>>
  return
}

// -----
func.func @truncate(%x: tensor<2x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{shift must be 0 to 63}}
  %0 = fx.truncate %x {shift = 64 : i64, rounding = #fx.rounding<floor>} : (tensor<2x!fx.fixed<s16, 8, client>>) -> tensor<2x!fx.fixed<s16, -56, client>>
  return
}

// -----
func.func @truncate_fraction(%x: tensor<2x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{needs fractions that agree}}
  %0 = fx.truncate %x {shift = 4 : i64, rounding = #fx.rounding<floor>} : (tensor<2x!fx.fixed<s16, 8, client>>) -> tensor<2x!fx.fixed<s12, 8, client>>
  return
}

// -----
func.func @shift_left(%x: tensor<2x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{shift must be 0 to 63}}
  %0 = fx.shift_left %x {shift = -1 : i64} : (tensor<2x!fx.fixed<s16, 8, client>>) -> tensor<2x!fx.fixed<s16, 7, client>>
  return
}

// -----
func.func @divide(%x: tensor<2x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{divisor must be positive}}
  %0 = fx.divide %x {divisor = 0 : i64, rounding = #fx.rounding<floor>} : (tensor<2x!fx.fixed<s16, 8, client>>) -> tensor<2x!fx.fixed<s16, 8, client>>
  return
}

// -----
func.func @clip(%x: tensor<2x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{needs low <= high}}
  %0 = fx.clip %x {low = 1 : i64, high = 0 : i64} : (tensor<2x!fx.fixed<s16, 8, client>>) -> tensor<2x!fx.fixed<s16, 8, client>>
  return
}

// -----
func.func @resize(%x: tensor<2x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{needs fractions that agree}}
  %0 = fx.resize %x : (tensor<2x!fx.fixed<s16, 8, client>>) -> tensor<2x!fx.fixed<s18, 9, client>>
  return
}

// -----
func.func @requantize(%x: tensor<2x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{result must be owned by 'client'}}
  %0 = fx.requantize %x : (tensor<2x!fx.fixed<s16, 8, client>>) -> tensor<2x!fx.fixed<s18, 9, shared>>
  return
}

// -----
!x = !fx.fixed<s16, 8, client>
!w = !fx.fixed<s16, 4, server>
func.func @bias(%x: tensor<1x1x4x4x!x>, %w: tensor<2x1x1x1x!w>, %b: tensor<2x!w>) {
  // expected-error @+1 {{bias must have the result's fraction}}
  %0 = fx.conv2d %x, %w bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x4x4x!x>, tensor<2x1x1x1x!w>, tensor<2x!w>) -> tensor<1x2x4x4x!fx.fixed<s32, 12, shared>>
  return
}

// -----
!x = !fx.fixed<s16, 8, client>
!w = !fx.fixed<s16, 4, server>
func.func @matmul(%x: tensor<1x4x!x>, %w: tensor<4x2x!w>) {
  // expected-error @+1 {{result must have 12 fraction bits}}
  %0 = fx.matmul %x, %w : (tensor<1x4x!x>, tensor<4x2x!w>) -> tensor<1x2x!fx.fixed<s32, 8, shared>>
  return
}

// -----
!x = !fx.fixed<s16, 8, client>
func.func @pool(%x: tensor<1x1x4x4x!x>) {
  // expected-error @+1 {{must not lose fraction bits}}
  %0 = fx.sum_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4x!x>) -> tensor<1x1x2x2x!fx.fixed<s18, 6, client>>
  return
}

// -----
!x = !fx.fixed<s16, 8, client>
func.func @arg_max_signed(%x: tensor<1x4x!x>) {
  // expected-error @+1 {{needs an unsigned result of fraction 0 that holds every index}}
  %0 = fx.arg_max %x {axis = 1 : i64} : (tensor<1x4x!x>) -> tensor<1x1x!fx.fixed<s4, 0, client>>
  return
}

// -----
!x = !fx.fixed<s16, 8, client>
func.func @arg_max_narrow(%x: tensor<1x5x!x>) {
  // expected-error @+1 {{needs an unsigned result of fraction 0 that holds every index}}
  %0 = fx.arg_max %x {axis = 1 : i64} : (tensor<1x5x!x>) -> tensor<1x1x!fx.fixed<u2, 0, client>>
  return
}

// -----
!x = !fx.fixed<s16, 8, client>
func.func @reduce(%x: tensor<1x5x!x>) {
  // expected-error @+1 {{must not lose fraction bits}}
  %0 = fx.reduce_sum %x {axes = array<i64: 1>} : (tensor<1x5x!x>) -> tensor<1x1x!fx.fixed<s19, 4, client>>
  return
}
