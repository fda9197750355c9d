// RUN: dyad-opt %s --split-input-file --simplify-arithmetic --eliminate-dead-code | FileCheck %s

// Quantised input, convolution, ReLU, quantised again: scales end in the weights (0.5 * 3 / 0.25 = 6 and 2 / 0.25 = 8), zero points meet
// their opposites, and what is left of the second pair is one rounding and a ReLU.
// CHECK-DAG: nn.weight @[[W:.*]] : tensor<1x1x1x1xf32> = dense<6.000000e+00>
// CHECK-DAG: nn.weight @[[B:.*]] : tensor<1xf32> = dense<8.000000e+00>
nn.weight @half : tensor<f32> = dense<0.5> : tensor<f32> {is_public}
nn.weight @twice : tensor<f32> = dense<2.0> : tensor<f32> {is_public}
nn.weight @four : tensor<f32> = dense<4.0> : tensor<f32> {is_public}
nn.weight @quarter : tensor<f32> = dense<0.25> : tensor<f32> {is_public}
nn.weight @zero_point : tensor<f32> = dense<-14.0> : tensor<f32> {is_public}
nn.weight @w : tensor<1x1x1x1xf32> = dense<3.0> : tensor<1x1x1x1xf32>
nn.weight @b : tensor<1xf32> = dense<2.0> : tensor<1xf32>
// CHECK-LABEL: func.func @layer
func.func @layer() {
  // CHECK: %[[Q:.*]] = nn.clip %{{.*}} {high = 1.410000e+02 : f64, low = -1.140000e+02 : f64}
  // CHECK: %[[C:.*]] = nn.conv2d %[[Q]], %{{.*}} bias
  // CHECK-NEXT: %[[R:.*]] = nn.round %[[C]]
  // CHECK-NEXT: %[[P:.*]] = nn.relu %[[R]]
  // CHECK-NEXT: %[[H:.*]] = nn.clip %[[P]] {high = 2.550000e+02 : f64}
  // CHECK: %[[S:.*]] = nn.mul %[[H]]
  // CHECK-NEXT: nn.output "y" %[[S]]
  %x = nn.input "x" owner "client" : tensor<1x1x2x2xf32>
  %c2 = nn.constant @twice : tensor<f32>
  %inverse = nn.broadcast %c2 : (tensor<f32>) -> tensor<1x1x2x2xf32>
  %steps = nn.mul %x, %inverse : tensor<1x1x2x2xf32>
  %rounded = nn.round %steps : tensor<1x1x2x2xf32>
  %clipped = nn.clip %rounded {low = -114.0 : f64, high = 141.0 : f64} : tensor<1x1x2x2xf32>
  %cz = nn.constant @zero_point : tensor<f32>
  %z = nn.broadcast %cz : (tensor<f32>) -> tensor<1x1x2x2xf32>
  %stored = nn.add %clipped, %z : tensor<1x1x2x2xf32>
  %centred = nn.sub %stored, %z : tensor<1x1x2x2xf32>
  %ch = nn.constant @half : tensor<f32>
  %scale = nn.broadcast %ch : (tensor<f32>) -> tensor<1x1x2x2xf32>
  %real = nn.mul %centred, %scale : tensor<1x1x2x2xf32>
  %w = nn.constant @w : tensor<1x1x1x1xf32>
  %b = nn.constant @b : tensor<1xf32>
  %conv = nn.conv2d %real, %w bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x2x2xf32>
  %relu = nn.relu %conv : tensor<1x1x2x2xf32>
  %c4 = nn.constant @four : tensor<f32>
  %inverse2 = nn.broadcast %c4 : (tensor<f32>) -> tensor<1x1x2x2xf32>
  %steps2 = nn.mul %relu, %inverse2 : tensor<1x1x2x2xf32>
  %rounded2 = nn.round %steps2 : tensor<1x1x2x2xf32>
  %clipped2 = nn.clip %rounded2 {low = 0.0 : f64, high = 255.0 : f64} : tensor<1x1x2x2xf32>
  %cq = nn.constant @quarter : tensor<f32>
  %scale2 = nn.broadcast %cq : (tensor<f32>) -> tensor<1x1x2x2xf32>
  %y = nn.mul %clipped2, %scale2 : tensor<1x1x2x2xf32>
  nn.output "y" %y to "client" : tensor<1x1x2x2xf32>
  return
}

// -----

// A residual sum: the number that goes around keeps its integers and gets one factor (0.5 * 4 = 2), the convolution's scales move into its
// weights (0.5 * 3 * 4 * 0.5 * 4 = 12), and its own rounding, which only the sum reads, is left out. A maximum keeps integers, so that it is not rounded again.
// CHECK-DAG: nn.weight @[[W:.*]] : tensor<1x1x1x1xf32> = dense<1.200000e+01>
// CHECK-DAG: nn.weight @[[F:.*]] : tensor<f32> = dense<2.000000e+00> : tensor<f32> {is_public}
nn.weight @half : tensor<f32> = dense<0.5> : tensor<f32> {is_public}
nn.weight @four : tensor<f32> = dense<4.0> : tensor<f32> {is_public}
nn.weight @w : tensor<1x1x1x1xf32> = dense<3.0> : tensor<1x1x1x1xf32>
// CHECK-LABEL: func.func @residual
func.func @residual() {
  // CHECK: %[[A:.*]] = nn.relu
  // CHECK: %[[C:.*]] = nn.conv2d %[[A]]
  // CHECK: %[[G:.*]] = nn.mul %[[A]]
  // CHECK-NEXT: %[[S:.*]] = nn.add %[[C]], %[[G]]
  // CHECK-NEXT: %[[R:.*]] = nn.round %[[S]]
  // CHECK-NEXT: %[[P:.*]] = nn.relu %[[R]]
  // CHECK-NEXT: %[[M:.*]] = nn.max_pool2d %[[P]]
  // CHECK-NEXT: nn.output "y" %[[M]]
  %x = nn.input "x" owner "client" : tensor<1x1x2x2xf32>
  %rounded = nn.round %x : tensor<1x1x2x2xf32>
  %a = nn.relu %rounded : tensor<1x1x2x2xf32>
  %ch = nn.constant @half : tensor<f32>
  %half = nn.broadcast %ch : (tensor<f32>) -> tensor<1x1x2x2xf32>
  %real = nn.mul %a, %half : tensor<1x1x2x2xf32>
  %w = nn.constant @w : tensor<1x1x1x1xf32>
  %conv = nn.conv2d %real, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %c4 = nn.constant @four : tensor<f32>
  %four = nn.broadcast %c4 : (tensor<f32>) -> tensor<1x1x2x2xf32>
  %steps = nn.mul %conv, %four : tensor<1x1x2x2xf32>
  %own = nn.round %steps : tensor<1x1x2x2xf32>
  %cq = nn.constant @half : tensor<f32>
  %half2 = nn.broadcast %cq : (tensor<f32>) -> tensor<1x1x2x2xf32>
  %back = nn.mul %own, %half2 : tensor<1x1x2x2xf32>
  %sum = nn.add %back, %real : tensor<1x1x2x2xf32>
  %relu = nn.relu %sum : tensor<1x1x2x2xf32>
  %steps2 = nn.mul %relu, %four : tensor<1x1x2x2xf32>
  %rounded2 = nn.round %steps2 : tensor<1x1x2x2xf32>
  %real2 = nn.mul %rounded2, %half : tensor<1x1x2x2xf32>
  %pool = nn.max_pool2d %real2 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  %c2 = nn.constant @four : tensor<f32>
  %four1 = nn.broadcast %c2 : (tensor<f32>) -> tensor<1x1x1x1xf32>
  %q1 = nn.mul %pool, %four1 : tensor<1x1x1x1xf32>
  %ch1 = nn.constant @half : tensor<f32>
  %half1 = nn.broadcast %ch1 : (tensor<f32>) -> tensor<1x1x1x1xf32>
  %q2 = nn.mul %q1, %half1 : tensor<1x1x1x1xf32>
  %y = nn.round %q2 : tensor<1x1x1x1xf32>
  nn.output "y" %y to "client" : tensor<1x1x1x1xf32>
  return
}

// -----

// Private factors stay as they are, and so does a rounding whose number is read elsewhere.
nn.weight @secret : tensor<f32> = dense<1.0> : tensor<f32>
// CHECK-LABEL: func.func @kept
func.func @kept() {
  // CHECK: %[[R:.*]] = nn.round
  // CHECK: %[[S:.*]] = nn.mul %[[R]]
  // CHECK: %[[P:.*]] = nn.relu %[[S]]
  // CHECK: nn.output "y" %[[P]]
  // CHECK: nn.output "z" %[[R]]
  %x = nn.input "x" owner "client" : tensor<1x2xf32>
  %r = nn.round %x : tensor<1x2xf32>
  %c = nn.constant @secret : tensor<f32>
  %s = nn.broadcast %c : (tensor<f32>) -> tensor<1x2xf32>
  %m = nn.mul %r, %s : tensor<1x2xf32>
  %y = nn.relu %m : tensor<1x2xf32>
  nn.output "y" %y to "client" : tensor<1x2xf32>
  nn.output "z" %r to "client" : tensor<1x2xf32>
  return
}
