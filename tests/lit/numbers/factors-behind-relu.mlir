// Factors of channels before a ReLU move into the weights behind it; signs stay. Samples are 1, so that with one bit of head-room
// an input of the ReLU's sum is taken for one in [-2, 2].
// RUN: %python %S/Inputs/make_samples.py %t.npy x f4 1x4x2x2 1
// RUN: dyad-opt %s --split-input-file --factors-behind-relu="samples=%t.npy headroom=1" | FileCheck %s

// relu(2 x + 1) = 2 relu(x + 1/2); relu(-4 x + 2) = 4 relu(-(x - 1/2)). 3 / 0.5 is out of reach: 0.5 relu(x + 2) and 2 more behind. Without a
// factor only the offset counts: relu(0 x + 1) is 1. So the rest is 2 w2 + w3.
// CHECK-LABEL: module
// CHECK-DAG: nn.weight @g_offset {{.*}} = dense<{{\[\[\[}}5.000000e-01]], {{\[\[}}-5.000000e-01]], {{\[\[}}2.000000e+00]], {{\[\[}}2.000000e+00]]]>
// CHECK-DAG: nn.weight @g_sign {{.*}} = dense<{{\[\[\[}}0.000000e+00]], {{\[\[}}-1.000000e+00]], {{\[\[}}0.000000e+00]], {{\[\[}}0.000000e+00]]]>
// CHECK-DAG: nn.weight @w : tensor<1x4x1x1xf32> = dense<{{\[\[\[\[}}2.000000e+00]], {{\[\[}}4.000000e+00]], {{\[\[}}5.000000e-01]], {{\[\[}}0.000000e+00]]]]>
// CHECK-DAG: nn.weight @w_bias : tensor<1xf32> = dense<3.000000e+00>
// CHECK: %[[IN:.*]] = nn.assume %{{.*}} in -2.000000e+00 to 2.000000e+00 "calibrated"
// CHECK: %[[SUM:.*]] = nn.add %[[IN]], %{{.*}}
// CHECK: %[[RELU:.*]] = nn.signed_relu %[[SUM]], %{{.*}}
// CHECK: %[[POOL:.*]] = nn.max_pool2d %[[RELU]]
// CHECK: nn.conv2d %[[POOL]], %{{.*}} bias
// CHECK-NOT: nn.mul
nn.weight @g : tensor<4x1x1xf32> = dense<[[[2.0]], [[-4.0]], [[0.5]], [[0.0]]]> : tensor<4x1x1xf32>
nn.weight @b : tensor<4x1x1xf32> = dense<[[[1.0]], [[2.0]], [[3.0]], [[1.0]]]> : tensor<4x1x1xf32>
nn.weight @w : tensor<1x4x1x1xf32> = dense<1.0> : tensor<1x4x1x1xf32>
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<1x4x2x2xf32>
  %g = nn.constant @g : tensor<4x1x1xf32>
  %gs = nn.broadcast %g : (tensor<4x1x1xf32>) -> tensor<1x4x2x2xf32>
  %0 = nn.mul %x, %gs : tensor<1x4x2x2xf32>
  %b = nn.constant @b : tensor<4x1x1xf32>
  %bs = nn.broadcast %b : (tensor<4x1x1xf32>) -> tensor<1x4x2x2xf32>
  %1 = nn.add %0, %bs : tensor<1x4x2x2xf32>
  %2 = nn.relu %1 : tensor<1x4x2x2xf32>
  %3 = nn.max_pool2d %2 {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x2x2xf32>) -> tensor<1x4x1x1xf32>
  %w = nn.constant @w : tensor<1x4x1x1xf32>
  %4 = nn.conv2d %3, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x1x1xf32>, tensor<1x4x1x1xf32>) -> tensor<1x1x1x1xf32>
  nn.output "y" %4 to "client" : tensor<1x1x1x1xf32>
  return
}

// -----

// The result itself is read, or zeros stand around it: nothing moves.
// CHECK-LABEL: module
// CHECK-COUNT-2: nn.mul
// CHECK-NOT: nn.signed_relu
nn.weight @g : tensor<4x1x1xf32> = dense<2.0> : tensor<4x1x1xf32>
nn.weight @h : tensor<4x1x1xf32> = dense<2.0> : tensor<4x1x1xf32>
nn.weight @w : tensor<1x4x1x1xf32> = dense<1.0> : tensor<1x4x1x1xf32>
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<1x4x2x2xf32>
  %g = nn.constant @g : tensor<4x1x1xf32>
  %gs = nn.broadcast %g : (tensor<4x1x1xf32>) -> tensor<1x4x2x2xf32>
  %0 = nn.mul %x, %gs : tensor<1x4x2x2xf32>
  %1 = nn.relu %0 : tensor<1x4x2x2xf32>
  %h = nn.constant @h : tensor<4x1x1xf32>
  %hs = nn.broadcast %h : (tensor<4x1x1xf32>) -> tensor<1x4x2x2xf32>
  %2 = nn.mul %x, %hs : tensor<1x4x2x2xf32>
  %3 = nn.relu %2 : tensor<1x4x2x2xf32>
  %w = nn.constant @w : tensor<1x4x1x1xf32>
  %4 = nn.conv2d %3, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x2x2xf32>, tensor<1x4x1x1xf32>) -> tensor<1x1x4x4xf32>
  nn.output "y" %4 to "client" : tensor<1x1x4x4xf32>
  nn.output "z" %1 to "client" : tensor<1x4x2x2xf32>
  return
}

// -----

// Factors of one and offsets in reach make the same program as any others: it must not tell that they are.
// CHECK-LABEL: module
// CHECK: nn.signed_relu
// CHECK: nn.conv2d {{.*}} bias
nn.weight @g : tensor<4x1x1xf32> = dense<1.0> : tensor<4x1x1xf32>
nn.weight @w : tensor<1x4x1x1xf32> = dense<1.0> : tensor<1x4x1x1xf32>
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<1x4x2x2xf32>
  %g = nn.constant @g : tensor<4x1x1xf32>
  %gs = nn.broadcast %g : (tensor<4x1x1xf32>) -> tensor<1x4x2x2xf32>
  %0 = nn.mul %x, %gs : tensor<1x4x2x2xf32>
  %1 = nn.relu %0 : tensor<1x4x2x2xf32>
  %w = nn.constant @w : tensor<1x4x1x1xf32>
  %2 = nn.conv2d %1, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x2x2xf32>, tensor<1x4x1x1xf32>) -> tensor<1x1x2x2xf32>
  nn.output "y" %2 to "client" : tensor<1x1x2x2xf32>
  return
}
