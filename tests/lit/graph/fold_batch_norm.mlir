// RUN: dyad-opt %s --split-input-file --fold-batch-norm --eliminate-dead-code | FileCheck %s

// Behind a convolution: factor 3 / sqrt(3.75 + 0.25) = 1.5 and 0.5; offset 1 - 2 * 1.5 = -2 and 4.
// CHECK-DAG: nn.weight @[[BIAS:.*]] : tensor<2xf32> = dense<[-5.000000e-01, 4.500000e+00]>
// CHECK-DAG: nn.weight @[[WEIGHT:.*]] : tensor<2x1x1x2xf32> = dense<{{\[\[\[\[}}1.500000e+00, 3.000000e+00]]], {{\[\[\[}}1.500000e+00, 2.000000e+00]]]]>
// CHECK-NOT: nn.weight
nn.weight @w : tensor<2x1x1x2xf32> = dense<[[[[1.0, 2.0]]], [[[3.0, 4.0]]]]> : tensor<2x1x1x2xf32>
nn.weight @b : tensor<2xf32> = dense<1.0> : tensor<2xf32>
nn.weight @scale : tensor<2xf32> = dense<[3.0, 1.0]> : tensor<2xf32>
nn.weight @bias : tensor<2xf32> = dense<[1.0, 4.0]> : tensor<2xf32>
nn.weight @mean : tensor<2xf32> = dense<[2.0, 0.0]> : tensor<2xf32>
nn.weight @variance : tensor<2xf32> = dense<3.75> : tensor<2xf32>
// CHECK-LABEL: func.func @conv
func.func @conv() {
  %x = nn.input "x" owner "client" : tensor<1x1x2x2xf32>
  %w = nn.constant @w : tensor<2x1x1x2xf32>
  %b = nn.constant @b : tensor<2xf32>
  %scale = nn.constant @scale : tensor<2xf32>
  %bias = nn.constant @bias : tensor<2xf32>
  %mean = nn.constant @mean : tensor<2xf32>
  %variance = nn.constant @variance : tensor<2xf32>
  // CHECK-DAG: %[[W:.*]] = nn.constant @[[WEIGHT]]
  // CHECK-DAG: %[[B:.*]] = nn.constant @[[BIAS]]
  // CHECK: %[[Y:.*]] = nn.conv2d %{{.*}}, %[[W]] bias %[[B]] {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 1, 0, 1>, strides = array<i64: 1, 2>}
  // CHECK-NEXT: nn.output "y" %[[Y]]
  %conv = nn.conv2d %x, %w bias %b {strides = array<i64: 1, 2>, pads = array<i64: 0, 1, 0, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<2x1x1x2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %y = nn.batch_norm %conv, %scale, %bias, %mean, %variance {epsilon = 0.25} : (tensor<1x2x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  nn.output "y" %y to "client" : tensor<1x2x2x2xf32>
  return
}

// -----
// A matrix product, its bias, then the normalisation: one product and one sum.
// W * [2, 3]; [10, 20] * [2, 3] + [1, -1].
// CHECK-DAG: nn.weight @[[SUM:.*]] : tensor<2xf32> = dense<[2.100000e+01, 5.900000e+01]>
// CHECK-DAG: nn.weight @[[MATRIX:.*]] : tensor<1x2xf32> = dense<{{\[\[}}2.000000e+00, 3.000000e+00]]>
// CHECK-NOT: nn.weight
nn.weight @w : tensor<1x2xf32> = dense<1.0> : tensor<1x2xf32>
nn.weight @b : tensor<2xf32> = dense<[10.0, 20.0]> : tensor<2xf32>
nn.weight @scale : tensor<2xf32> = dense<[2.0, 3.0]> : tensor<2xf32>
nn.weight @bias : tensor<2xf32> = dense<[1.0, -1.0]> : tensor<2xf32>
nn.weight @mean : tensor<2xf32> = dense<0.0> : tensor<2xf32>
nn.weight @variance : tensor<2xf32> = dense<0.75> : tensor<2xf32>
// CHECK-LABEL: func.func @matmul
func.func @matmul() {
  %x = nn.input "x" owner "client" : tensor<4x1xf32>
  %w = nn.constant @w : tensor<1x2xf32>
  %b = nn.constant @b : tensor<2xf32>
  %bs = nn.broadcast %b : (tensor<2xf32>) -> tensor<4x2xf32>
  %scale = nn.constant @scale : tensor<2xf32>
  %bias = nn.constant @bias : tensor<2xf32>
  %mean = nn.constant @mean : tensor<2xf32>
  %variance = nn.constant @variance : tensor<2xf32>
  // CHECK-DAG: %[[W:.*]] = nn.constant @[[MATRIX]]
  // CHECK-DAG: %[[S:.*]] = nn.constant @[[SUM]]
  // CHECK-DAG: %[[B:.*]] = nn.broadcast %[[S]]
  // CHECK-DAG: %[[P:.*]] = nn.matmul %{{.*}}, %[[W]]
  // CHECK: %[[Y:.*]] = nn.add %[[P]], %[[B]]
  // CHECK-NEXT: nn.output "y" %[[Y]]
  %product = nn.matmul %x, %w : (tensor<4x1xf32>, tensor<1x2xf32>) -> tensor<4x2xf32>
  %sum = nn.add %bs, %product : tensor<4x2xf32>
  %y = nn.batch_norm %sum, %scale, %bias, %mean, %variance {epsilon = 0.25} : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  nn.output "y" %y to "client" : tensor<4x2xf32>
  return
}

// -----
// A convolution with another user keeps its weights: one product and one sum are left.
nn.weight @w : tensor<1x1x1x1xf32> = dense<1.0> : tensor<1x1x1x1xf32>
nn.weight @p : tensor<1xf32> = dense<4.0> : tensor<1xf32>
// CHECK-LABEL: func.func @two_users
func.func @two_users() {
  %x = nn.input "x" owner "client" : tensor<1x1x2x2xf32>
  %w = nn.constant @w : tensor<1x1x1x1xf32>
  %p = nn.constant @p : tensor<1xf32>
  // CHECK: %[[CONV:.*]] = nn.conv2d %{{.*}}, %{{[^ ]*}} {
  // CHECK-NOT: batch_norm
  // CHECK: %[[M:.*]] = nn.mul %[[CONV]], %{{.*}} : tensor<1x1x2x2xf32>
  // CHECK: %[[Y:.*]] = nn.add %[[M]], %{{.*}} : tensor<1x1x2x2xf32>
  // CHECK: nn.output "y" %[[Y]]
  // CHECK: nn.output "z" %[[CONV]]
  %conv = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %y = nn.batch_norm %conv, %p, %p, %p, %p {epsilon = 0.0} : (tensor<1x1x2x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x2x2xf32>
  nn.output "y" %y to "client" : tensor<1x1x2x2xf32>
  nn.output "z" %conv to "client" : tensor<1x1x2x2xf32>
  return
}

// -----
// Before a grouped convolution without padding: factors 1 and 2, offsets 10 and 20 go into it.
// CHECK-DAG: nn.weight @[[BIAS:.*]] : tensor<2xf32> = dense<[3.000000e+01, 8.000000e+01]>
// CHECK-DAG: nn.weight @[[WEIGHT:.*]] : tensor<2x1x1x1xf32> = dense<{{\[\[\[\[}}3.000000e+00]]], {{\[\[\[}}8.000000e+00]]]]>
// CHECK-NOT: nn.weight
nn.weight @w : tensor<2x1x1x1xf32> = dense<[[[[3.0]]], [[[4.0]]]]> : tensor<2x1x1x1xf32>
nn.weight @scale : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>
nn.weight @bias : tensor<2xf32> = dense<[10.0, 20.0]> : tensor<2xf32>
nn.weight @mean : tensor<2xf32> = dense<0.0> : tensor<2xf32>
nn.weight @variance : tensor<2xf32> = dense<1.0> : tensor<2xf32>
// CHECK-LABEL: func.func @before
func.func @before() {
  %x = nn.input "x" owner "client" : tensor<1x2x2x2xf32>
  %w = nn.constant @w : tensor<2x1x1x1xf32>
  %scale = nn.constant @scale : tensor<2xf32>
  %bias = nn.constant @bias : tensor<2xf32>
  %mean = nn.constant @mean : tensor<2xf32>
  %variance = nn.constant @variance : tensor<2xf32>
  // CHECK-NOT: nn.mul
  // CHECK-NOT: nn.add
  // CHECK: nn.conv2d %{{.*}}, %{{.*}} bias
  %normal = nn.batch_norm %x, %scale, %bias, %mean, %variance {epsilon = 0.0} : (tensor<1x2x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %y = nn.conv2d %normal, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x2x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  nn.output "y" %y to "client" : tensor<1x2x2x2xf32>
  return
}

// -----
// With padding, a sum before a convolution must stay: the window reads zeros, not the sum.
nn.weight @w : tensor<1x1x3x3xf32> = dense<1.0> : tensor<1x1x3x3xf32>
nn.weight @c : tensor<f32> = dense<1.0> : tensor<f32>
// CHECK-LABEL: func.func @padded
func.func @padded() {
  %x = nn.input "x" owner "client" : tensor<1x1x4x4xf32>
  %w = nn.constant @w : tensor<1x1x3x3xf32>
  %c = nn.constant @c : tensor<f32>
  %cs = nn.broadcast %c : (tensor<f32>) -> tensor<1x1x4x4xf32>
  // CHECK: %[[SUM:.*]] = nn.add
  // CHECK: nn.conv2d %[[SUM]], %{{[^ ]*}} {
  %sum = nn.add %x, %cs : tensor<1x1x4x4xf32>
  %y = nn.conv2d %sum, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
  nn.output "y" %y to "client" : tensor<1x1x4x4xf32>
  return
}

// -----
// A matrix on the left of a column vector: rows are outputs, columns are inputs.
// W diag(2, 3); the offset [-1, 1] comes out as W [-1, 1] = [1, 1] and joins the bias [10, 26].
// CHECK-DAG: nn.weight @[[SUM:.*]] : tensor<2x1xf32> = dense<{{\[\[}}1.100000e+01], [2.700000e+01]]>
// CHECK-DAG: nn.weight @[[MATRIX:.*]] : tensor<2x2xf32> = dense<{{\[\[}}2.000000e+00, 6.000000e+00], [6.000000e+00, 1.200000e+01]]>
// CHECK-NOT: nn.weight
nn.weight @w : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
nn.weight @factor : tensor<2x1xf32> = dense<[[2.0], [3.0]]> : tensor<2x1xf32>
nn.weight @offset : tensor<2x1xf32> = dense<[[-1.0], [1.0]]> : tensor<2x1xf32>
nn.weight @b : tensor<2x1xf32> = dense<[[10.0], [26.0]]> : tensor<2x1xf32>
// CHECK-LABEL: func.func @left
func.func @left() {
  %x = nn.input "x" owner "client" : tensor<2x1xf32>
  %w = nn.constant @w : tensor<2x2xf32>
  %factor = nn.constant @factor : tensor<2x1xf32>
  %offset = nn.constant @offset : tensor<2x1xf32>
  %b = nn.constant @b : tensor<2x1xf32>
  // CHECK-DAG: %[[W:.*]] = nn.constant @[[MATRIX]]
  // CHECK-DAG: %[[S:.*]] = nn.constant @[[SUM]]
  // CHECK-DAG: %[[P:.*]] = nn.matmul %[[W]], %{{.*}}
  // CHECK: nn.add %[[P]], %[[S]]
  %scaled = nn.mul %x, %factor : tensor<2x1xf32>
  %moved = nn.add %scaled, %offset : tensor<2x1xf32>
  %product = nn.matmul %w, %moved : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %y = nn.add %product, %b : tensor<2x1xf32>
  nn.output "y" %y to "client" : tensor<2x1xf32>
  return
}

// -----
// A factor that is not one for each channel cannot go into a convolution.
nn.weight @w : tensor<1x1x1x1xf32> = dense<1.0> : tensor<1x1x1x1xf32>
nn.weight @factor : tensor<1x2xf32> = dense<[[2.0, 3.0]]> : tensor<1x2xf32>
// CHECK-LABEL: func.func @not_per_channel
func.func @not_per_channel() {
  %x = nn.input "x" owner "client" : tensor<1x1x2x2xf32>
  %w = nn.constant @w : tensor<1x1x1x1xf32>
  %factor = nn.constant @factor : tensor<1x2xf32>
  %factors = nn.broadcast %factor : (tensor<1x2xf32>) -> tensor<1x1x2x2xf32>
  // CHECK: nn.conv2d
  // CHECK: nn.mul
  %conv = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %y = nn.mul %conv, %factors : tensor<1x1x2x2xf32>
  nn.output "y" %y to "client" : tensor<1x1x2x2xf32>
  return
}

// -----
// Public weights stay public: a private offset joins the bias, a private factor stays outside. What follows from public ones is public.
// CHECK-DAG: nn.weight @w_1 : tensor<1x1x1x1xf32> = dense<6.000000e+00> : tensor<1x1x1x1xf32> {is_public}
// CHECK-DAG: nn.weight @w_0 : tensor<1x1x1x1xf32> = dense<2.000000e+00> : tensor<1x1x1x1xf32> {is_public}
// CHECK-DAG: nn.weight @w_bias : tensor<1xf32> = dense<3.000000e+00> : tensor<1xf32>{{$}}
nn.weight @w : tensor<1x1x1x1xf32> = dense<2.0> : tensor<1x1x1x1xf32> {is_public}
nn.weight @private : tensor<1xf32> = dense<3.0> : tensor<1xf32>
nn.weight @public : tensor<1xf32> = dense<3.0> : tensor<1xf32> {is_public}
// CHECK-LABEL: func.func @public_weights
func.func @public_weights() {
  %x = nn.input "x" owner "client" : tensor<1x1x2x2xf32>
  %w = nn.constant @w : tensor<1x1x1x1xf32>
  %private = nn.constant @private : tensor<1xf32>
  %public = nn.constant @public : tensor<1xf32>
  %secret = nn.broadcast %private : (tensor<1xf32>) -> tensor<1x1x2x2xf32>
  %known = nn.broadcast %public : (tensor<1xf32>) -> tensor<1x1x2x2xf32>
  // CHECK: nn.conv2d %{{.*}} bias
  %0 = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %1 = nn.add %0, %secret : tensor<1x1x2x2xf32>
  // CHECK: %[[C:.*]] = nn.conv2d
  // CHECK: nn.mul %[[C]]
  %2 = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %3 = nn.mul %2, %secret : tensor<1x1x2x2xf32>
  // CHECK: nn.conv2d
  %4 = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %5 = nn.mul %4, %known : tensor<1x1x2x2xf32>
  nn.output "a" %1 to "client" : tensor<1x1x2x2xf32>
  nn.output "b" %3 to "client" : tensor<1x1x2x2xf32>
  nn.output "c" %5 to "client" : tensor<1x1x2x2xf32>
  return
}
