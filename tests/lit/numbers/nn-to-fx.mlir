// RUN: dyad-opt %s --split-input-file --nn-to-fx="activation-bits=10 weight-bits=6" | FileCheck %s

// A dense layer: fractions add up, the bias joins at the sum, one requantisation behind it.
// x reaches 2, which takes two bits before the point of ten; weights below 1 leave all six behind it.
// CHECK-DAG: fx.weight @w : tensor<2x1x!fx.fixed<s7, 6, server>> = dense<{{\[\[}}48], [-32]]>
// CHECK-DAG: fx.weight @b : tensor<1x!fx.fixed<s17, 14, server>> = dense<4096>
nn.weight @w : tensor<2x1xf32> = dense<[[0.75], [-0.5]]> : tensor<2x1xf32>
nn.weight @b : tensor<1xf32> = dense<0.25> : tensor<1xf32>
// CHECK-LABEL: func.func @dense
func.func @dense() {
  // CHECK: %[[X:.*]] = fx.input "x" range -2.000000e+00 to 2.000000e+00 <declared> : tensor<1x2x!fx.fixed<s11, 8, client>>
  %x = nn.input "x" owner "client" range -2.0 to 2.0 : tensor<1x2xf32>
  %w = nn.constant @w : tensor<2x1xf32>
  // CHECK: %[[P:.*]] = fx.matmul %[[X]], %{{.*}} -> tensor<1x1x!fx.fixed<s17, 14, shared>>
  %0 = nn.matmul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  %b = nn.constant @b : tensor<1xf32>
  %1 = nn.broadcast %b : (tensor<1xf32>) -> tensor<1x1xf32>
  // CHECK: %[[S:.*]] = fx.add %[[P]], %{{.*}} -> tensor<1x1x!fx.fixed<s17, 14, shared>>
  %2 = nn.add %0, %1 : tensor<1x1xf32>
  // CHECK-NEXT: %[[Q:.*]] = fx.requantize %[[S]] : {{.*}} -> tensor<1x1x!fx.fixed<s11, 8, shared>>
  // CHECK-NEXT: %[[R:.*]] = fx.relu %[[Q]]
  %3 = nn.relu %2 : tensor<1x1xf32>
  // CHECK-NEXT: %[[O:.*]] = fx.reveal %[[R]] : {{.*}} -> tensor<1x1x!fx.fixed<s11, 8, client>>
  // CHECK-NEXT: fx.output "y" %[[O]]
  nn.output "y" %3 to "client" : tensor<1x1xf32>
  return
}

// -----
// Owners: what the client alone computes stays its own, and is not revealed to it.
// CHECK-LABEL: func.func @client_only
func.func @client_only() {
  // CHECK: fx.input {{.*}} : tensor<2x!fx.fixed<s[[#]], [[F:[0-9]+]], client>>
  %x = nn.input "x" owner "client" range -1.0 to 1.0 : tensor<2xf32>
  // CHECK: fx.relu {{.*}} -> tensor<2x!fx.fixed<s[[#]], [[F]], client>>
  %0 = nn.relu %x : tensor<2xf32>
  // CHECK-NOT: fx.reveal
  // CHECK: fx.output "y"
  nn.output "y" %0 to "client" : tensor<2xf32>
  return
}

// -----
// An assumption narrows the sum that the weights alone would allow, rounded outwards to a power of two.
nn.weight @w : tensor<4x1xf32> = dense<[[1.0], [1.0], [1.0], [0.5]]> : tensor<4x1xf32>
// CHECK-LABEL: func.func @assumed
func.func @assumed() {
  %x = nn.input "x" owner "client" range -1.0 to 1.0 : tensor<1x4xf32>
  %w = nn.constant @w : tensor<4x1xf32>
  // CHECK: %[[P:.*]] = fx.matmul {{.*}} -> tensor<1x1x!fx.fixed<s15, 14, shared>>
  %0 = nn.matmul %x, %w : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32>
  // CHECK-NEXT: %[[A:.*]] = fx.assume %[[P]] in -16368 to 16368 <calibrated>
  %1 = nn.assume %0 in -0.9 to 0.8 "calibrated" : tensor<1x1xf32>
  // CHECK-NEXT: fx.requantize %[[A]] : {{.*}} -> tensor<1x1x!fx.fixed<s11, 10, shared>>
  nn.output "y" %1 to "client" : tensor<1x1xf32>
  return
}

// -----
// Values that meet share a scale; differences of compared values fit their type.
nn.weight @w : tensor<1x1x1x1xf32> = dense<0.5> : tensor<1x1x1x1xf32>
// CHECK-LABEL: func.func @compared
func.func @compared() {
  %x = nn.input "x" owner "client" range -4.0 to 4.0 : tensor<1x1x2x2xf32>
  %w = nn.constant @w : tensor<1x1x1x1xf32>
  // CHECK: %[[C:.*]] = fx.conv2d {{.*}} -> tensor<1x1x2x2x!fx.fixed<s17, 13, shared>>
  %0 = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  // [-2, 2] at 8 fraction bits takes 11 bits, differences of 4 take 12; before five bits are lost, 17.
  // CHECK: %[[Q:.*]] = fx.requantize %[[C]] : {{.*}} -> tensor<1x1x2x2x!fx.fixed<s12, 8, shared>>
  // CHECK: fx.max_pool2d %[[Q]]
  %1 = nn.max_pool2d %0 {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  nn.output "y" %1 to "client" : tensor<1x1x1x1xf32>
  return
}

// -----
// Means: a sum, then a division by the window's size; border windows of other sizes by reciprocals.
// CHECK: fx.weight @[[R:.*]] : tensor<1x1x2x2x!fx.fixed<s16, 14, public>> = dense<{{.*}}4096, 8192], [8192, 16384
// CHECK-LABEL: func.func @means
func.func @means() {
  %x = nn.input "x" owner "client" range 0.0 to 1.0 : tensor<1x1x2x2xf32>
  // CHECK: %[[S:.*]] = fx.sum_pool2d
  // CHECK-NEXT: fx.divide %[[S]] {divisor = 4 : i64, rounding = #fx.rounding<nearest>}
  %0 = nn.average_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, ceil_pads = array<i64: 0, 0>, dilations = array<i64: 1, 1>, count_include_pad = false} : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  nn.output "a" %0 to "client" : tensor<1x1x1x1xf32>
  // CHECK: fx.reduce_sum
  // CHECK-NEXT: fx.divide {{.*}}divisor = 4
  %1 = nn.reduce <mean> %x {axes = array<i64: 2, 3>} : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  nn.output "b" %1 to "client" : tensor<1x1x1x1xf32>
  // CHECK: %[[B:.*]] = fx.sum_pool2d {{.*}}pads = array<i64: 0, 0, 1, 1>
  // CHECK: %[[C:.*]] = fx.constant @[[R]]
  // CHECK: %[[M:.*]] = fx.mul %[[B]], %[[C]] : {{.*}} -> tensor<1x1x2x2x!fx.fixed<s[[#]], 23, client>>
  // CHECK: fx.requantize %[[M]] : {{.*}} -> tensor<1x1x2x2x!fx.fixed<s[[#]], 9, client>>
  %2 = nn.average_pool2d %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 1, 1>, ceil_pads = array<i64: 0, 0>, dilations = array<i64: 1, 1>, count_include_pad = false} : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  nn.output "c" %2 to "client" : tensor<1x1x2x2xf32>
  return
}

// -----
// Parts of several owners: padded and added.
nn.weight @w : tensor<2xf32> = dense<[0.5, 0.25]> : tensor<2xf32>
// CHECK-LABEL: func.func @concat
func.func @concat() {
  %x = nn.input "x" owner "client" range -1.0 to 1.0 : tensor<1xf32>
  %w = nn.constant @w : tensor<2xf32>
  // CHECK: fx.pad {{.*}}high = array<i64: 2>{{.*}}low = array<i64: 0>
  // CHECK: fx.pad {{.*}}high = array<i64: 0>{{.*}}low = array<i64: 1>
  // CHECK: fx.add {{.*}} -> tensor<3x!fx.fixed<s[[#]], {{.*}}, shared>>
  %0 = nn.concat %x, %w {axis = 0 : i64} : (tensor<1xf32>, tensor<2xf32>) -> tensor<3xf32>
  nn.output "y" %0 to "client" : tensor<3xf32>
  return
}

// -----
// Indices come out as integers; bounds of a clip become integers of the scale.
// CHECK-LABEL: func.func @indices
func.func @indices() {
  %x = nn.input "x" owner "client" range -8.0 to 8.0 : tensor<1x5xf32>
  // CHECK: fx.clip {{.*}}high = 384 : i64, low = 0 : i64
  %0 = nn.clip %x {low = 0.0, high = 6.0} : tensor<1x5xf32>
  // CHECK: fx.arg_max {{.*}} -> tensor<1x1x!fx.fixed<u3, 0, client>>
  %1 = nn.arg_max %0 {axis = 1 : i64} : (tensor<1x5xf32>) -> tensor<1x1xi64>
  // CHECK: fx.output "y" {{.*}}integer
  nn.output "y" %1 to "client" : tensor<1x1xi64>
  return
}

// -----
// A public weight gives the client what it needs to go on alone; a private bias ends that.
// CHECK-DAG: fx.weight @w : tensor<1x1x1x1x!fx.fixed<s7, 6, public>>
// CHECK-DAG: fx.weight @b : tensor<1x!fx.fixed<{{.*}}, server>>
nn.weight @w : tensor<1x1x1x1xf32> = dense<0.5> : tensor<1x1x1x1xf32> {is_public}
nn.weight @b : tensor<1xf32> = dense<0.25> : tensor<1xf32>
// CHECK-LABEL: func.func @public_weights
func.func @public_weights() {
  %x = nn.input "x" owner "client" range -2.0 to 2.0 : tensor<1x1x2x2xf32>
  %w = nn.constant @w : tensor<1x1x1x1xf32>
  %b = nn.constant @b : tensor<1xf32>
  // CHECK: fx.conv2d {{.*}} -> tensor<1x1x2x2x!fx.fixed<{{.*}}, client>>
  %0 = nn.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %1 = nn.relu %0 : tensor<1x1x2x2xf32>
  // CHECK: fx.conv2d {{.*}} bias {{.*}} -> tensor<1x1x2x2x!fx.fixed<{{.*}}, shared>>
  %2 = nn.conv2d %1, %w bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x2x2xf32>
  nn.output "y" %2 to "client" : tensor<1x1x2x2xf32>
  return
}
