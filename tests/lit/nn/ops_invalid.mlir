// What the verifiers of nn refuse.
// RUN: dyad-opt %s -verify-diagnostics -split-input-file

// expected-error @+1 {{value has another type than the weight}}
nn.weight @w : tensor<2xf32> = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>

// -----
// expected-error @+1 {{needs a static tensor type}}
nn.weight @w : tensor<?xf32>

// -----
// expected-error @+1 {{needs a static tensor type of f32 or i64}}
nn.weight @w : tensor<2xf64>

// -----
func.func @main() {
  // expected-error @+1 {{names 'missing', which is no nn.weight}}
  %0 = nn.constant @missing : tensor<2xf32>
  return
}

// -----
nn.weight @w : tensor<2xf32>
func.func @main() {
  // expected-error @+1 {{has another type than the weight 'w'}}
  %0 = nn.constant @w : tensor<3xf32>
  return
}

// -----
func.func @main() {
  // expected-error @+1 {{owner must be client, server or public}}
  %0 = nn.input "x" owner "nobody" : tensor<2xf32>
  return
}

// -----
func.func @main() {
  // expected-error @+1 {{range needs low <= high}}
  %0 = nn.input "x" owner "client" range 1.0 to 0.0 : tensor<2xf32>
  return
}

// -----
func.func @main() {
  // expected-error @+1 {{range needs finite low and high}}
  %0 = "nn.input"() {name = "x", owner = "client", high = 1.0} : () -> tensor<2xf32>
  return
}

// -----
func.func @main() {
  // expected-error @+1 {{needs a static shape}}
  %0 = nn.input "x" owner "client" : tensor<?xf32>
  return
}

// -----
func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{reveal must be client, server or both}}
  nn.output "y" %x to "nobody" : tensor<2xf32>
  return
}

// -----
func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{needs finite bounds with low <= high}}
  %0 = nn.assume %x in 1.0 to 0.0 "declared" : tensor<2xf32>
  return
}

// -----
func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{kind must be declared or calibrated}}
  %0 = nn.assume %x in 0.0 to 1.0 "proved" : tensor<2xf32>
  return
}

// -----
func.func @main(%x: tensor<2xf32>, %y: tensor<3xf32>) {
  // expected-error @+1 {{requires the same type for all operands and results}}
  %0 = "nn.add"(%x, %y) : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----
func.func @main(%x: tensor<2xf32>) {
  // expected-error @+1 {{needs low <= high}}
  %0 = nn.clip %x {low = 1.0, high = 0.0} : tensor<2xf32>
  return
}

// -----
func.func @groups(%x: tensor<1x4x8x8xf32>, %w: tensor<4x4x3x3xf32>) {
  // expected-error @+1 {{channels of input and weight do not fit the groups}}
  %0 = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----
func.func @positions(%x: tensor<1x4x8x8xf32>, %w: tensor<4x4x3x3xf32>) {
  // expected-error @+1 {{result should have 6 positions along axis 2}}
  %0 = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x3x3xf32>) -> tensor<1x4x8x8xf32>
  return
}

// -----
func.func @too_large(%x: tensor<1x4x8x8xf32>, %w: tensor<4x4x9x9xf32>) {
  // expected-error @+1 {{window is larger than the padded input}}
  %0 = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x9x9xf32>) -> tensor<1x4x0x0xf32>
  return
}

// -----
func.func @bias(%x: tensor<1x4x8x8xf32>, %w: tensor<4x4x1x1xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{bias must have one element for each output channel}}
  %0 = nn.conv2d %x, %w bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>, tensor<3xf32>) -> tensor<1x4x8x8xf32>
  return
}

// -----
func.func @stride(%x: tensor<1x4x8x8xf32>, %w: tensor<4x4x1x1xf32>) {
  // expected-error @+1 {{strides, dilations and groups must be positive}}
  %0 = nn.conv2d %x, %w {strides = array<i64: 0, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  return
}

// -----
func.func @rank(%x: tensor<4x8x8xf32>, %w: tensor<4x4x1x1xf32>) {
  // expected-error @+1 {{needs operands of rank four}}
  %0 = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  return
}

// -----
func.func @pads(%x: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{needs two strides, four pads and two dilations}}
  %0 = nn.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----
func.func @kernel(%x: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{needs two positive kernel sizes}}
  %0 = nn.max_pool2d %x {kernel = array<i64: 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----
func.func @channels(%x: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{must keep batch and channels}}
  %0 = nn.max_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x8x8xf32>) -> tensor<1x3x4x4xf32>
  return
}

// -----
func.func @ceil_pads(%x: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{needs ceil_pads for bottom and right}}
  %0 = nn.average_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, ceil_pads = array<i64: 0>, dilations = array<i64: 1, 1>, count_include_pad = false} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----
func.func @inner(%x: tensor<2x3xf32>, %y: tensor<4x5xf32>) {
  // expected-error @+1 {{inner sizes differ: 3 and 4}}
  %0 = nn.matmul %x, %y : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return
}

// -----
func.func @batch(%x: tensor<2x2x3xf32>, %y: tensor<4x3x5xf32>) {
  // expected-error @+1 {{batch axes differ}}
  %0 = nn.matmul %x, %y : (tensor<2x2x3xf32>, tensor<4x3x5xf32>) -> tensor<2x2x5xf32>
  return
}

// -----
func.func @vector(%x: tensor<3xf32>, %y: tensor<3x5xf32>) {
  // expected-error @+1 {{needs operands of rank two or more}}
  %0 = nn.matmul %x, %y : (tensor<3xf32>, tensor<3x5xf32>) -> tensor<5xf32>
  return
}

// -----
func.func @batch_norm(%x: tensor<1x4x2xf32>, %p: tensor<3xf32>) {
  // expected-error @+1 {{needs parameters of one element for each of the 4 channels}}
  %0 = nn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5} : (tensor<1x4x2xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x4x2xf32>
  return
}

// -----
func.func @reduce(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{axis 2 is out of range}}
  %0 = nn.reduce <sum> %x {axes = array<i64: 2>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----
func.func @reduce_empty(%x: tensor<2x0xf32>) {
  // expected-error @+1 {{axis 1 is empty}}
  %0 = nn.reduce <max> %x {axes = array<i64: 1>} : (tensor<2x0xf32>) -> tensor<2x1xf32>
  return
}

// -----
func.func @reduce_kept(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{reduced axes must have size one in the result}}
  %0 = nn.reduce <mean> %x {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----
func.func @arg_max(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{axis -1 is out of range}}
  %0 = nn.arg_max %x {axis = -1 : i64} : (tensor<2x3xf32>) -> tensor<2x1xi64>
  return
}

// -----
func.func @softmax(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{axis 2 is out of range}}
  %0 = nn.softmax %x {axis = 2 : i64} : tensor<2x3xf32>
  return
}
