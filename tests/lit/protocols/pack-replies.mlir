// RUN: dyad-opt --pack-replies --split-input-file %s | FileCheck %s
// RUN: echo '{"nodes": {"deep": {"packed": true}, "plain": {"packed": false}}}' > %t.json
// RUN: dyad-opt --pack-replies=config=%t.json %S/Inputs/pack-replies_config.mlir | FileCheck %S/Inputs/pack-replies_config.mlir
// RUN: echo '{"nodes": {"deep": {"packed": 1}, "other": {"packed": true}}}' > %t.json
// RUN: not dyad-opt --pack-replies=config=%t.json %S/Inputs/pack-replies_config.mlir 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: node 'deep': 'packed' must be true or false
// Galois keys are sent once: many replies pay for them, few do not.

// Over a slow link bytes count, over a fast one the work that packing is.
module attributes {mpc.link = "100Mbit,20ms"} {
fx.weight @many : tensor<512x512x3x3x!fx.fixed<s13, 12, server>>
fx.weight @few : tensor<2x3x!fx.fixed<s8, 4, server>>

// CHECK-LABEL: func.func @deep
func.func @deep(%x: tensor<1x512x7x7x!mpc.arith<30>>, %y: tensor<40x2x!mpc.arith<20>>) -> (tensor<1x512x7x7x!mpc.arith<30>>, tensor<1x512x7x7x!mpc.arith<30>>, tensor<40x3x!mpc.arith<20>>) {
  %w = fx.constant @many : tensor<512x512x3x3x!fx.fixed<s13, 12, server>>
  %few = fx.constant @few : tensor<2x3x!fx.fixed<s8, 4, server>>
  // CHECK: mpc.conv2d {{.*}} protocol = #mpc.linear<he_packed>
  %1 = mpc.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<he>} : (tensor<1x512x7x7x!mpc.arith<30>>, tensor<512x512x3x3x!fx.fixed<s13, 12, server>>) -> tensor<1x512x7x7x!mpc.arith<30>>
  // Choices of others stay.
  // CHECK: mpc.conv2d {{.*}} protocol = #mpc.linear<ot_server_chooses>
  %2 = mpc.conv2d %1, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<ot_server_chooses>} : (tensor<1x512x7x7x!mpc.arith<30>>, tensor<512x512x3x3x!fx.fixed<s13, 12, server>>) -> tensor<1x512x7x7x!mpc.arith<30>>
  // One reply: nothing to pack.
  // CHECK: mpc.matmul {{.*}}protocol = #mpc.linear<he>
  %3 = mpc.matmul %y, %few {protocol = #mpc.linear<he>} : (tensor<40x2x!mpc.arith<20>>, tensor<2x3x!fx.fixed<s8, 4, server>>) -> tensor<40x3x!mpc.arith<20>>
  return %1, %2, %3 : tensor<1x512x7x7x!mpc.arith<30>>, tensor<1x512x7x7x!mpc.arith<30>>, tensor<40x3x!mpc.arith<20>>
}
}

// -----

module attributes {mpc.link = "100Gbit,10us"} {
fx.weight @many : tensor<512x512x3x3x!fx.fixed<s13, 12, server>>
fx.weight @few : tensor<2x3x!fx.fixed<s8, 4, server>>

// CHECK-LABEL: func.func @fast
func.func @fast(%x: tensor<1x512x7x7x!mpc.arith<30>>, %y: tensor<40x2x!mpc.arith<20>>) -> (tensor<1x512x7x7x!mpc.arith<30>>, tensor<1x512x7x7x!mpc.arith<30>>, tensor<40x3x!mpc.arith<20>>) {
  %w = fx.constant @many : tensor<512x512x3x3x!fx.fixed<s13, 12, server>>
  %few = fx.constant @few : tensor<2x3x!fx.fixed<s8, 4, server>>
  // CHECK: mpc.conv2d {{.*}} protocol = #mpc.linear<he>
  %1 = mpc.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<he>} : (tensor<1x512x7x7x!mpc.arith<30>>, tensor<512x512x3x3x!fx.fixed<s13, 12, server>>) -> tensor<1x512x7x7x!mpc.arith<30>>
  // Choices of others stay.
  // CHECK: mpc.conv2d {{.*}} protocol = #mpc.linear<ot_server_chooses>
  %2 = mpc.conv2d %1, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<ot_server_chooses>} : (tensor<1x512x7x7x!mpc.arith<30>>, tensor<512x512x3x3x!fx.fixed<s13, 12, server>>) -> tensor<1x512x7x7x!mpc.arith<30>>
  // One reply: nothing to pack.
  // CHECK: mpc.matmul {{.*}}protocol = #mpc.linear<he>
  %3 = mpc.matmul %y, %few {protocol = #mpc.linear<he>} : (tensor<40x2x!mpc.arith<20>>, tensor<2x3x!fx.fixed<s8, 4, server>>) -> tensor<40x3x!mpc.arith<20>>
  return %1, %2, %3 : tensor<1x512x7x7x!mpc.arith<30>>, tensor<1x512x7x7x!mpc.arith<30>>, tensor<40x3x!mpc.arith<20>>
}
}

// -----

fx.weight @small : tensor<64x64x1x1x!fx.fixed<s13, 12, server>>

// Packing would save some replies, but the keys are more.
// CHECK-LABEL: func.func @shallow
func.func @shallow(%x: tensor<1x64x7x7x!mpc.arith<30>>) -> tensor<1x64x7x7x!mpc.arith<30>> {
  %w = fx.constant @small : tensor<64x64x1x1x!fx.fixed<s13, 12, server>>
  // CHECK: mpc.conv2d {{.*}} protocol = #mpc.linear<he>
  %1 = mpc.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<he>} : (tensor<1x64x7x7x!mpc.arith<30>>, tensor<64x64x1x1x!fx.fixed<s13, 12, server>>) -> tensor<1x64x7x7x!mpc.arith<30>>
  return %1 : tensor<1x64x7x7x!mpc.arith<30>>
}
