// RUN: dyad-opt %s --split-input-file --simplify-arithmetic --eliminate-dead-code | FileCheck %s

// (x - 63.75) / 127.5 of an image with channels last ends in the first layer, although transposed:
// 255 / 127.5 = 2 and -63.75 * 2 = -127.5.
// CHECK-DAG: nn.weight @[[BIAS:.*]] : tensor<1xf32> = dense<-1.275000e+02>
// CHECK-DAG: nn.weight @[[WEIGHT:.*]] : tensor<1x1x1x1xf32> = dense<2.000000e+00>
// CHECK-NOT: nn.weight
nn.weight @mean : tensor<f32> = dense<63.75> : tensor<f32>
nn.weight @range : tensor<1xf32> = dense<127.5> : tensor<1xf32>
nn.weight @w : tensor<1x1x1x1xf32> = dense<255.0> : tensor<1x1x1x1xf32>
// CHECK-LABEL: func.func @normalised
func.func @normalised() {
  // CHECK: nn.input
  // CHECK-NOT: nn.add
  // CHECK-NOT: nn.mul
  // CHECK: nn.conv2d
  // CHECK-NEXT: nn.output
  %x = nn.input "x" owner "client" : tensor<1x2x3x1xf32>
  %mean = nn.constant @mean : tensor<f32>
  %means = nn.broadcast %mean : (tensor<f32>) -> tensor<1x2x3x1xf32>
  %centred = nn.sub %x, %means : tensor<1x2x3x1xf32>
  %range = nn.constant @range : tensor<1xf32>
  %ranges = nn.broadcast %range : (tensor<1xf32>) -> tensor<1x2x3x1xf32>
  %scaled = nn.div %centred, %ranges : tensor<1x2x3x1xf32>
  %image = nn.transpose %scaled {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x2x3x1xf32>) -> tensor<1x1x2x3xf32>
  %w = nn.constant @w : tensor<1x1x1x1xf32>
  %y = nn.conv2d %image, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x3xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x3xf32>
  nn.output "y" %y to "client" : tensor<1x1x2x3xf32>
  return
}

// -----
// One constant for each channel of a channels-last image: the sum stands before a padded
// convolution, the factor goes in.
// CHECK-DAG: nn.weight @[[MEAN:.*]] : tensor<1x2x1x1xf32> = dense<{{\[\[\[\[}}-1.000000e+00]], {{\[\[}}-2.000000e+00]]]]>
nn.weight @mean : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>
nn.weight @w : tensor<1x2x3x3xf32> = dense<1.0> : tensor<1x2x3x3xf32>
// CHECK-LABEL: func.func @channels_last
func.func @channels_last() {
  // CHECK: %[[X:.*]] = nn.input
  // CHECK: %[[T:.*]] = nn.transpose %[[X]] {permutation = array<i64: 0, 3, 1, 2>}
  // CHECK: %[[S:.*]] = nn.add %[[T]]
  // CHECK: nn.conv2d %[[S]]
  %x = nn.input "x" owner "client" : tensor<1x4x4x2xf32>
  %mean = nn.constant @mean : tensor<2xf32>
  %means = nn.broadcast %mean : (tensor<2xf32>) -> tensor<1x4x4x2xf32>
  %centred = nn.sub %x, %means : tensor<1x4x4x2xf32>
  %image = nn.transpose %centred {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x4x2xf32>) -> tensor<1x2x4x4xf32>
  %w = nn.constant @w : tensor<1x2x3x3xf32>
  %y = nn.conv2d %image, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<1x2x3x3xf32>) -> tensor<1x1x4x4xf32>
  nn.output "y" %y to "client" : tensor<1x1x4x4xf32>
  return
}

// -----
// A channels-last network: the transpositions around each layer cancel, the bias is the convolution's.
// CHECK-DAG: nn.weight @[[BIAS:.*]] : tensor<2xf32> = dense<[3.000000e+00, 4.000000e+00]>
nn.weight @w : tensor<2x2x1x1xf32> = dense<1.0> : tensor<2x2x1x1xf32>
nn.weight @b : tensor<2xf32> = dense<[3.0, 4.0]> : tensor<2xf32>
// CHECK-LABEL: func.func @transposes_cancel
func.func @transposes_cancel() {
  %x = nn.input "x" owner "client" : tensor<1x2x4x3xf32>
  %w = nn.constant @w : tensor<2x2x1x1xf32>
  %b = nn.constant @b : tensor<2xf32>
  // CHECK: %[[CONV:.*]] = nn.conv2d %{{.*}} bias
  // CHECK-NEXT: %[[RELU:.*]] = nn.relu %[[CONV]]
  // CHECK-NEXT: %[[AGAIN:.*]] = nn.conv2d %[[RELU]]
  // CHECK-NEXT: nn.output "y" %[[AGAIN]]
  %conv = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  %last = nn.transpose %conv {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x4x3xf32>) -> tensor<1x4x3x2xf32>
  %bias = nn.broadcast %b : (tensor<2xf32>) -> tensor<1x4x3x2xf32>
  %sum = nn.add %last, %bias : tensor<1x4x3x2xf32>
  %relu = nn.relu %sum : tensor<1x4x3x2xf32>
  %first = nn.transpose %relu {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x3x2xf32>) -> tensor<1x2x4x3xf32>
  %again = nn.conv2d %first, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  nn.output "y" %again to "client" : tensor<1x2x4x3xf32>
  return
}

// -----
// Operations without effect.
// CHECK-LABEL: func.func @identities
func.func @identities() {
  // CHECK-NEXT: %[[X:.*]] = nn.input
  // CHECK-NEXT: %[[R:.*]] = nn.relu %[[X]]
  // CHECK-NEXT: %[[F:.*]] = nn.reshape %[[R]] : (tensor<1x2x4x3xf32>) -> tensor<4x6xf32>
  // CHECK-NEXT: nn.output "y" %[[F]]
  %x = nn.input "x" owner "client" : tensor<1x2x4x3xf32>
  %0 = nn.reshape %x : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 0, 1, 2, 3>} : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %2 = nn.slice %1 {starts = array<i64: 0, 0, 0, 0>, steps = array<i64: 1, 1, 1, 1>} : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %3 = nn.pad %2 {low = array<i64: 0, 0, 0, 0>, high = array<i64: 0, 0, 0, 0>, interior = array<i64: 0, 0, 0, 0>} : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %4 = nn.concat %3 {axis = 1 : i64} : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %5 = nn.neg %4 : tensor<1x2x4x3xf32>
  %6 = nn.neg %5 : tensor<1x2x4x3xf32>
  %7 = nn.max_pool2d %6 {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %8 = nn.reduce <mean> %7 {axes = array<i64: 0>} : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %9 = nn.gather %8 {axis = 1 : i64, indices = array<i64: 0, 1>} : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %10 = nn.broadcast %9 : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %11 = nn.relu %10 : tensor<1x2x4x3xf32>
  %12 = nn.relu %11 : tensor<1x2x4x3xf32>
  %13 = nn.reshape %12 : (tensor<1x2x4x3xf32>) -> tensor<24xf32>
  %14 = nn.reshape %13 : (tensor<24xf32>) -> tensor<4x6xf32>
  nn.output "y" %14 to "client" : tensor<4x6xf32>
  return
}

// -----
// What looks alike but is not: slices backwards, gathers that reorder, padding with a value under a
// product, a transposition that moves elements.
nn.weight @c : tensor<f32> = dense<2.0> : tensor<f32>
// CHECK-LABEL: func.func @no_identities
func.func @no_identities() {
  // CHECK: nn.slice
  // CHECK: nn.gather
  // CHECK: nn.mul
  // CHECK: nn.pad
  // CHECK: nn.transpose
  %x = nn.input "x" owner "client" : tensor<3x3xf32>
  %0 = nn.slice %x {starts = array<i64: 2, 0>, steps = array<i64: -1, 1>} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  %1 = nn.gather %0 {axis = 1 : i64, indices = array<i64: 0, 2, 1>} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  %c = nn.constant @c : tensor<f32>
  %cs = nn.broadcast %c : (tensor<f32>) -> tensor<3x3xf32>
  %2 = nn.mul %1, %cs : tensor<3x3xf32>
  %3 = nn.pad %2 {low = array<i64: 1, 0>, high = array<i64: 0, 0>, interior = array<i64: 0, 0>, value = 1.0} : (tensor<3x3xf32>) -> tensor<4x3xf32>
  %4 = nn.transpose %3 {permutation = array<i64: 1, 0>} : (tensor<4x3xf32>) -> tensor<3x4xf32>
  nn.output "y" %4 to "client" : tensor<3x4xf32>
  return
}

// -----
// A transposition that only moves an axis of size one is a reshape.
// CHECK-LABEL: func.func @transpose_reshape
func.func @transpose_reshape() {
  // CHECK: nn.reshape %{{.*}} : (tensor<1x1x2x3xf32>) -> tensor<1x2x3x1xf32>
  // CHECK-NOT: nn.transpose
  %x = nn.input "x" owner "client" : tensor<1x1x2x3xf32>
  %y = nn.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x1x2x3xf32>) -> tensor<1x2x3x1xf32>
  nn.output "y" %y to "client" : tensor<1x2x3x1xf32>
  return
}

// -----
// Zeros go where both parties know them; private ones stay, or the program would tell.
nn.weight @known : tensor<f32> = dense<0.0> : tensor<f32> {is_public}
nn.weight @hidden : tensor<f32> = dense<0.0> : tensor<f32>
// CHECK-LABEL: func.func @zeros
func.func @zeros() {
  // CHECK: %[[X:.*]] = nn.input "x"
  // CHECK: %[[S:.*]] = nn.add %[[X]]
  // CHECK-NEXT: nn.output "y" %[[S]]
  // CHECK-NEXT: nn.output "z" %[[X]]
  %x = nn.input "x" owner "client" : tensor<2xf32>
  %h = nn.constant @hidden : tensor<f32>
  %hs = nn.broadcast %h : (tensor<f32>) -> tensor<2xf32>
  %0 = nn.add %x, %hs : tensor<2xf32>
  %k = nn.constant @known : tensor<f32>
  %ks = nn.broadcast %k : (tensor<f32>) -> tensor<2xf32>
  %1 = nn.add %ks, %x : tensor<2xf32>
  nn.output "y" %0 to "client" : tensor<2xf32>
  nn.output "z" %1 to "client" : tensor<2xf32>
  return
}
