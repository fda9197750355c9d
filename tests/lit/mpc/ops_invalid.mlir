// What the verifiers of mpc refuse. Structure operations: tests/lit/nn/structure_invalid.mlir.
// RUN: dyad-opt %s -verify-diagnostics -split-input-file

// expected-error @+1 {{width must be 1 to 64 bits, not 65}}
func.func private @width(tensor<2x!mpc.arith<65>>)

// -----
func.func @share(%x: tensor<2x!fx.fixed<s16, 8, shared>>) {
  // expected-error @+1 {{needs a value that somebody knows}}
  %0 = mpc.share %x : (tensor<2x!fx.fixed<s16, 8, shared>>) -> tensor<2x!mpc.arith<16>>
  return
}

// -----
func.func @share_shape(%x: tensor<2x!fx.fixed<s16, 8, client>>) {
  // expected-error @+1 {{needs operands and result of one shape}}
  %0 = mpc.share %x : (tensor<2x!fx.fixed<s16, 8, client>>) -> tensor<3x!mpc.arith<16>>
  return
}

// -----
func.func @reveal_owner(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{must name a receiver: client, server or public}}
  %0 = mpc.reveal %x : (tensor<2x!mpc.arith<16>>) -> tensor<2x!fx.fixed<s16, 8, shared>>
  return
}

// -----
func.func @reveal_width(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{must keep the width}}
  %0 = mpc.reveal %x : (tensor<2x!mpc.arith<16>>) -> tensor<2x!fx.fixed<s17, 8, client>>
  return
}

// -----
func.func @add(%x: tensor<2x!mpc.arith<16>>, %y: tensor<2x!mpc.arith<17>>) {
  // expected-error @+1 {{requires the same type for all operands and results}}
  %0 = "mpc.add"(%x, %y) : (tensor<2x!mpc.arith<16>>, tensor<2x!mpc.arith<17>>) -> tensor<2x!mpc.arith<16>>
  return
}

// -----
func.func @shift_left(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{shift must be 0 to 63}}
  %0 = mpc.shift_left %x {shift = 64 : i64} : (tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<16>>
  return
}

// -----
func.func @mul_public(%x: tensor<2x!mpc.arith<16>>, %y: tensor<2x!fx.fixed<s8, 0, server>>) {
  // expected-error @+1 {{factor must be public}}
  %0 = mpc.mul_public %x, %y : (tensor<2x!mpc.arith<16>>, tensor<2x!fx.fixed<s8, 0, server>>) -> tensor<2x!mpc.arith<16>>
  return
}

// -----
func.func @mul_private(%x: tensor<2x!mpc.arith<16>>, %y: tensor<2x!fx.fixed<s8, 0, public>>) {
  // expected-error @+1 {{factor must be known to one party}}
  %0 = mpc.mul_private %x, %y : (tensor<2x!mpc.arith<16>>, tensor<2x!fx.fixed<s8, 0, public>>) -> tensor<2x!mpc.arith<16>>
  return
}

// -----
func.func @narrow(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{cannot widen; use mpc.extend}}
  %0 = mpc.narrow %x : (tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<17>>
  return
}

// -----
func.func @extend(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{cannot narrow; use mpc.narrow}}
  %0 = mpc.extend %x {known = #mpc.known<general>} : (tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<15>>
  return
}

// -----
func.func @truncate_reduce(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{result must be narrower by the shift}}
  %0 = mpc.truncate_reduce %x {shift = 4 : i64, rounding = #fx.rounding<floor>} : (tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<16>>
  return
}

// -----
func.func @truncate(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{shift must be less than the width}}
  %0 = mpc.truncate %x {shift = 16 : i64, rounding = #fx.rounding<floor>, known = #mpc.known<general>} : (tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<16>>
  return
}

// -----
func.func @divide(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{divisor must be positive}}
  %0 = mpc.divide %x {divisor = 0 : i64, rounding = #fx.rounding<floor>} : (tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<16>>
  return
}

// -----
func.func @clip(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{needs low <= high}}
  %0 = mpc.clip %x {low = 1 : i64, high = 0 : i64} : (tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<16>>
  return
}

// -----
func.func @msb(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{needs operands and result of one shape}}
  %0 = mpc.msb %x : (tensor<2x!mpc.arith<16>>) -> tensor<3x!mpc.bool>
  return
}

// -----
func.func @mux(%b: tensor<2x!mpc.bool>, %x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{must keep the width}}
  %0 = mpc.mux %b, %x : (tensor<2x!mpc.bool>, tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<17>>
  return
}

// -----
func.func @matmul_bit(%b: tensor<2x3x!mpc.bool>, %w: tensor<3x2x!fx.fixed<s8, 0, client>>) {
  // expected-error @+1 {{needs a matrix of bits and one of the server's}}
  %0 = mpc.matmul_bit %b, %w : (tensor<2x3x!mpc.bool>, tensor<3x2x!fx.fixed<s8, 0, client>>) -> tensor<2x2x!mpc.arith<16>>
  return
}

// -----
func.func @max_pool(%x: tensor<1x1x4x4x!mpc.arith<16>>) {
  // expected-error @+1 {{must keep the width}}
  %0 = mpc.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4x!mpc.arith<16>>) -> tensor<1x1x2x2x!mpc.arith<18>>
  return
}

// -----
func.func @reduce(%x: tensor<1x4x!mpc.arith<16>>) {
  // expected-error @+1 {{axis 3 is out of range}}
  %0 = mpc.reduce_max %x {axes = array<i64: 3>} : (tensor<1x4x!mpc.arith<16>>) -> tensor<1x4x!mpc.arith<16>>
  return
}

// -----
func.func @arg_max(%x: tensor<1x4x!mpc.arith<16>>) {
  // expected-error @+1 {{reduced axes must have size one in the result}}
  %0 = mpc.arg_max %x {axis = 1 : i64} : (tensor<1x4x!mpc.arith<16>>) -> tensor<1x4x!mpc.arith<2>>
  return
}

// -----
!w = !fx.fixed<s8, 0, client>
func.func @conv_owner(%x: tensor<1x1x4x4x!mpc.arith<16>>, %w: tensor<1x1x1x1x!w>) {
  // expected-error @+1 {{weight must be the server's}}
  %0 = mpc.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<ot_client_chooses>} : (tensor<1x1x4x4x!mpc.arith<16>>, tensor<1x1x1x1x!w>) -> tensor<1x1x4x4x!mpc.arith<16>>
  return
}

// -----
!w = !fx.fixed<s8, 0, server>
func.func @matmul_none_private(%x: tensor<2x2x!mpc.arith<16>>) {
  // expected-error @+1 {{needs one shared operand and one of the server's}}
  %0 = mpc.matmul %x, %x {protocol = #mpc.linear<ot_client_chooses>} : (tensor<2x2x!mpc.arith<16>>, tensor<2x2x!mpc.arith<16>>) -> tensor<2x2x!mpc.arith<16>>
  return
}

// -----
!w = !fx.fixed<s8, 0, server>
func.func @conv_public_owner(%x: tensor<1x1x4x4x!mpc.arith<16>>, %w: tensor<1x1x1x1x!w>) {
  // expected-error @+1 {{weight must be public}}
  %0 = mpc.conv2d_public %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x4x4x!mpc.arith<16>>, tensor<1x1x1x1x!w>) -> tensor<1x1x4x4x!mpc.arith<16>>
  return
}

// -----
!w = !fx.fixed<s8, 0, server>
func.func @matmul_public_owner(%x: tensor<2x2x!mpc.arith<16>>, %w: tensor<2x2x!w>) {
  // expected-error @+1 {{needs one shared operand and a public one}}
  %0 = mpc.matmul_public %x, %w : (tensor<2x2x!mpc.arith<16>>, tensor<2x2x!w>) -> tensor<2x2x!mpc.arith<16>>
  return
}

// -----
!w = !fx.fixed<s8, 0, server>
func.func @matmul_width(%x: tensor<2x2x!mpc.arith<16>>, %w: tensor<2x2x!w>) {
  // expected-error @+1 {{must keep the width}}
  %0 = mpc.matmul %w, %x {protocol = #mpc.linear<ot_client_chooses>} : (tensor<2x2x!w>, tensor<2x2x!mpc.arith<16>>) -> tensor<2x2x!mpc.arith<24>>
  return
}

// -----
func.func @matmul_shared(%x: tensor<2x2x!mpc.arith<16>>, %y: tensor<2x2x!mpc.arith<20>>) {
  // expected-error @+1 {{must keep the width}}
  %0 = mpc.matmul_shared %x, %y : (tensor<2x2x!mpc.arith<16>>, tensor<2x2x!mpc.arith<20>>) -> tensor<2x2x!mpc.arith<16>>
  return
}

// -----
func.func @parallel_dependent(%x: tensor<2x!mpc.arith<16>>) {
  %0 = mpc.parallel : tensor<2x!mpc.arith<16>> {
    %1 = mpc.relu %x : (tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<16>>
    // expected-error @+1 {{depends on another operation of its parallel region}}
    %2 = mpc.relu %1 : (tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<16>>
    mpc.yield %2 : tensor<2x!mpc.arith<16>>
  }
  return
}

// -----
func.func @parallel_types(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{must end with an mpc.yield of the result types}}
  %0 = mpc.parallel : tensor<2x!mpc.arith<16>> {
    mpc.yield
  }
  return
}

// -----
func.func @truncate_relu(%x: tensor<2x!mpc.arith<16>>) {
  // expected-error @+1 {{shift must be less than the width}}
  %0 = mpc.truncate_relu %x {shift = 16 : i64, rounding = #fx.rounding<floor>} : (tensor<2x!mpc.arith<16>>) -> tensor<2x!mpc.arith<16>>
  return
}

// -----
// expected-error @+1 {{'fast' should be auto, softspoken or silent}}
module attributes {mpc.ot = "fast"} {
}

// -----
// expected-error @+1 {{mpc.link: 'dsl' should be lan, wan, or a bandwidth}}
module attributes {mpc.link = "dsl"} {
}
