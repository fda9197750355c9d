// Every operation of nn: accepted, printed and parsed again.
// RUN: dyad-opt %s | dyad-opt | FileCheck %s
// RUN: dyad-opt %s --mlir-print-op-generic | dyad-opt | FileCheck %s

// CHECK: nn.weight @small : tensor<2xf32> = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
nn.weight @small : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>
// CHECK: nn.weight @"conv/w:0" : tensor<4x2x3x3xf32>{{$}}
nn.weight @"conv/w:0" : tensor<4x2x3x3xf32>
// CHECK: nn.weight @conv.bias : tensor<4xf32>
nn.weight @conv.bias : tensor<4xf32> = dense<0.5> : tensor<4xf32>
// CHECK: nn.weight @indices : tensor<3xi64> = dense<[1, 2, 3]>
nn.weight @indices : tensor<3xi64> = dense<[1, 2, 3]> : tensor<3xi64>
// CHECK: nn.weight @one : tensor<2xf32> = dense<1.000000e+00> : tensor<2xf32> {is_public}
nn.weight @one : tensor<2xf32> = dense<1.0> : tensor<2xf32> {is_public}
nn.weight @fc : tensor<8x10xf32>

// CHECK-LABEL: func.func @main
func.func @main() {
  // CHECK: nn.input "x" owner "client" range -1.000000e+00 to 2.550000e+02 : tensor<1x2x8x8xf32>
  %x = nn.input "x" owner "client" range -1.0 to 255.0 : tensor<1x2x8x8xf32>
  // CHECK: nn.input "s" owner "server" : tensor<2xf32>
  %s = nn.input "s" owner "server" : tensor<2xf32>
  // CHECK: nn.assume %{{.*}} in -5.000000e-01 to 2.500000e+00 "calibrated" : tensor<1x2x8x8xf32>
  %assumed = nn.assume %x in -0.5 to 2.5 "calibrated" : tensor<1x2x8x8xf32>
  // CHECK: nn.constant @"conv/w:0" : tensor<4x2x3x3xf32>
  %w = nn.constant @"conv/w:0" : tensor<4x2x3x3xf32>
  %b = nn.constant @conv.bias : tensor<4xf32>
  // CHECK: nn.conv2d %{{.*}}, %{{.*}} bias %{{.*}} {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 1, 0, 1, 2>, strides = array<i64: 2, 1>} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>, tensor<4xf32>) -> tensor<1x4x4x8xf32>
  %conv = nn.conv2d %assumed, %w bias %b {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>, tensor<4xf32>) -> tensor<1x4x4x8xf32>
  // CHECK: nn.conv2d %{{.*}}, %{{[^ ]*}} {
  %conv2 = nn.conv2d %x, %w {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x4x8xf32>
  // CHECK: nn.batch_norm %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64}
  %bn = nn.batch_norm %conv, %b, %b, %b, %b {epsilon = 1.0e-5} : (tensor<1x4x4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x4x8xf32>
  // CHECK: nn.add
  %add = nn.add %bn, %conv2 : tensor<1x4x4x8xf32>
  // CHECK: nn.sub
  %sub = nn.sub %add, %conv : tensor<1x4x4x8xf32>
  // CHECK: nn.mul
  %mul = nn.mul %sub, %conv : tensor<1x4x4x8xf32>
  // CHECK: nn.div
  %div = nn.div %mul, %conv : tensor<1x4x4x8xf32>
  // CHECK: nn.min
  %min = nn.min %div, %conv : tensor<1x4x4x8xf32>
  // CHECK: nn.max
  %max = nn.max %min, %conv : tensor<1x4x4x8xf32>
  // CHECK: nn.neg
  %neg = nn.neg %max : tensor<1x4x4x8xf32>
  // CHECK: nn.abs
  %abs = nn.abs %neg : tensor<1x4x4x8xf32>
  // CHECK: nn.relu
  %relu = nn.relu %abs : tensor<1x4x4x8xf32>
  // CHECK: nn.leaky_relu %{{.*}} {alpha = 1.000000e-01 : f64}
  %leaky = nn.leaky_relu %relu {alpha = 0.1} : tensor<1x4x4x8xf32>
  // CHECK: nn.prelu %{{.*}}, %{{.*}} : tensor<1x4x4x8xf32>
  %prelu = nn.prelu %leaky, %conv : tensor<1x4x4x8xf32>
  // CHECK: nn.clip %{{.*}} {high = 6.000000e+00 : f64, low = 0.000000e+00 : f64}
  %clip = nn.clip %prelu {low = 0.0, high = 6.0} : tensor<1x4x4x8xf32>
  // CHECK: nn.clip %{{.*}} {high = 6.000000e+00 : f64} :
  %clip2 = nn.clip %clip {high = 6.0} : tensor<1x4x4x8xf32>
  // CHECK: nn.max_pool2d %{{.*}} {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 3>
  %pool = nn.max_pool2d %clip2 {kernel = array<i64: 2, 3>, strides = array<i64: 2, 2>, pads = array<i64: 0, 1, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x4x8xf32>) -> tensor<1x4x2x4xf32>
  // CHECK: nn.average_pool2d %{{.*}} {ceil_pads = array<i64: 0, 1>, count_include_pad = true
  %average = nn.average_pool2d %pool {kernel = array<i64: 2, 3>, strides = array<i64: 1, 2>, pads = array<i64: 0, 0, 0, 0>, ceil_pads = array<i64: 0, 1>, dilations = array<i64: 1, 1>, count_include_pad = true} : (tensor<1x4x2x4xf32>) -> tensor<1x4x1x2xf32>
  // CHECK: nn.reshape %{{.*}} : (tensor<1x4x1x2xf32>) -> tensor<1x8xf32>
  %flat = nn.reshape %average : (tensor<1x4x1x2xf32>) -> tensor<1x8xf32>
  %m = nn.constant @fc : tensor<8x10xf32>
  // CHECK: nn.matmul %{{.*}}, %{{.*}} : (tensor<1x8xf32>, tensor<8x10xf32>) -> tensor<1x10xf32>
  %logits = nn.matmul %flat, %m : (tensor<1x8xf32>, tensor<8x10xf32>) -> tensor<1x10xf32>
  // CHECK: nn.softmax %{{.*}} {axis = 1 : i64} : tensor<1x10xf32>
  %soft = nn.softmax %logits {axis = 1 : i64} : tensor<1x10xf32>
  // CHECK: nn.softmax %{{.*}} {axis = 1 : i64, log} : tensor<1x10xf32>
  %logsoft = nn.softmax %logits {axis = 1 : i64, log} : tensor<1x10xf32>
  // CHECK: nn.arg_max %{{.*}} {axis = 1 : i64, last} : (tensor<1x10xf32>) -> tensor<1x1xi64>
  %index = nn.arg_max %soft {axis = 1 : i64, last} : (tensor<1x10xf32>) -> tensor<1x1xi64>
  // CHECK: nn.reduce <mean> %{{.*}} {axes = array<i64: 1>} : (tensor<1x10xf32>) -> tensor<1x1xf32>
  %mean = nn.reduce <mean> %logsoft {axes = array<i64: 1>} : (tensor<1x10xf32>) -> tensor<1x1xf32>
  // CHECK: nn.reduce <sum>
  %sum = nn.reduce <sum> %logsoft {axes = array<i64: 0, 1>} : (tensor<1x10xf32>) -> tensor<1x1xf32>
  // CHECK: nn.reduce <max>
  %rmax = nn.reduce <max> %logsoft {axes = array<i64: 1>} : (tensor<1x10xf32>) -> tensor<1x1xf32>
  // CHECK: nn.reduce <min>
  %rmin = nn.reduce <min> %logsoft {axes = array<i64: 1>} : (tensor<1x10xf32>) -> tensor<1x1xf32>
  // CHECK: nn.reduce <l1>
  %l1 = nn.reduce <l1> %logsoft {axes = array<i64: 1>} : (tensor<1x10xf32>) -> tensor<1x1xf32>
  // CHECK: nn.transpose %{{.*}} {permutation = array<i64: 1, 0>} : (tensor<1x10xf32>) -> tensor<10x1xf32>
  %t = nn.transpose %logits {permutation = array<i64: 1, 0>} : (tensor<1x10xf32>) -> tensor<10x1xf32>
  // CHECK: nn.concat %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<10x1xf32>, tensor<1x1xf32>) -> tensor<11x1xf32>
  %c = nn.concat %t, %mean {axis = 0 : i64} : (tensor<10x1xf32>, tensor<1x1xf32>) -> tensor<11x1xf32>
  // CHECK: nn.slice %{{.*}} {starts = array<i64: 10, 0>, steps = array<i64: -2, 1>} : (tensor<11x1xf32>) -> tensor<6x1xf32>
  %slice = nn.slice %c {starts = array<i64: 10, 0>, steps = array<i64: -2, 1>} : (tensor<11x1xf32>) -> tensor<6x1xf32>
  // CHECK: nn.broadcast %{{.*}} : (tensor<6x1xf32>) -> tensor<2x6x3xf32>
  %broadcast = nn.broadcast %slice : (tensor<6x1xf32>) -> tensor<2x6x3xf32>
  // CHECK: nn.gather %{{.*}} {axis = 2 : i64, indices = array<i64: 2, 0, 0, 1>} : (tensor<2x6x3xf32>) -> tensor<2x6x4xf32>
  %gather = nn.gather %broadcast {axis = 2 : i64, indices = array<i64: 2, 0, 0, 1>} : (tensor<2x6x3xf32>) -> tensor<2x6x4xf32>
  // CHECK: nn.take %{{.*}} {indices = array<i64: 47, 0>} : (tensor<2x6x4xf32>) -> tensor<2x1xf32>
  %take = nn.take %gather {indices = array<i64: 47, 0>} : (tensor<2x6x4xf32>) -> tensor<2x1xf32>
  // CHECK: nn.pad %{{.*}} {high = array<i64: 0, 1>, interior = array<i64: 1, 0>, low = array<i64: 2, 0>, value = -1.000000e+00 : f64} : (tensor<2x1xf32>) -> tensor<5x2xf32>
  %pad = nn.pad %take {low = array<i64: 2, 0>, high = array<i64: 0, 1>, interior = array<i64: 1, 0>, value = -1.0} : (tensor<2x1xf32>) -> tensor<5x2xf32>
  // CHECK: nn.pad %{{.*}} {high = array<i64: 0, 1>, interior = array<i64: 0, 0>, low = array<i64: 0, 0>} : (tensor<5x2xf32>) -> tensor<5x3xf32>
  %pad0 = nn.pad %pad {low = array<i64: 0, 0>, high = array<i64: 0, 1>, interior = array<i64: 0, 0>} : (tensor<5x2xf32>) -> tensor<5x3xf32>
  // CHECK: nn.output "y" %{{.*}} to "client" : tensor<5x3xf32>
  nn.output "y" %pad0 to "client" : tensor<5x3xf32>
  // CHECK: nn.output "label" %{{.*}} to "both" : tensor<1x1xi64>
  nn.output "label" %index to "both" : tensor<1x1xi64>
  return
}
