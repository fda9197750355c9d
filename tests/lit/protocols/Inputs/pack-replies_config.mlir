// Two equal layers, of which a configuration packs one.
module attributes {mpc.link = "100Gbit,10us"} {
fx.weight @many : tensor<512x512x3x3x!fx.fixed<s13, 12, server>>

func.func @main(%x: tensor<1x512x7x7x!mpc.arith<30>>) -> tensor<1x512x7x7x!mpc.arith<30>> {
  %w = fx.constant @many : tensor<512x512x3x3x!fx.fixed<s13, 12, server>>
  // CHECK: mpc.conv2d {{.*}} protocol = #mpc.linear<he_packed>
  %1 = mpc.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<he>} : (tensor<1x512x7x7x!mpc.arith<30>>, tensor<512x512x3x3x!fx.fixed<s13, 12, server>>) -> tensor<1x512x7x7x!mpc.arith<30>> loc("deep")
  // CHECK: mpc.conv2d {{.*}} protocol = #mpc.linear<he>
  %2 = mpc.conv2d %1, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<he>} : (tensor<1x512x7x7x!mpc.arith<30>>, tensor<512x512x3x3x!fx.fixed<s13, 12, server>>) -> tensor<1x512x7x7x!mpc.arith<30>> loc("plain")
  return %2 : tensor<1x512x7x7x!mpc.arith<30>>
}
}
