// RUN: dyad-opt %s --split-input-file --exchange-relu-max-pool | FileCheck %s

// CHECK-LABEL: func.func @one
func.func @one() {
  // CHECK: %[[X:.*]] = nn.input
  // CHECK-NEXT: %[[P:.*]] = nn.max_pool2d %[[X]]
  // CHECK-NEXT: %[[R:.*]] = nn.relu %[[P]] : tensor<1x1x2x2xf32>
  // CHECK-NEXT: nn.output "y" %[[R]]
  %x = nn.input "x" owner "client" : tensor<1x1x4x4xf32>
  %0 = nn.relu %x : tensor<1x1x4x4xf32>
  %1 = nn.max_pool2d %0 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  nn.output "y" %1 to "client" : tensor<1x1x2x2xf32>
  return
}

// -----
// Any number of poolings, and one pooling behind another.
// CHECK-LABEL: func.func @several
func.func @several() {
  // CHECK: %[[X:.*]] = nn.input
  // CHECK-NEXT: %[[P:.*]] = nn.max_pool2d %[[X]]
  // CHECK-NEXT: %[[Q:.*]] = nn.max_pool2d %[[P]]
  // CHECK-NEXT: %[[C:.*]] = nn.clip %[[Q]] {high = 6.000000e+00 : f64, low = 0.000000e+00 : f64} : tensor<1x1x1x1xf32>
  // CHECK-NEXT: %[[M:.*]] = nn.reduce <max> %[[X]]
  // CHECK-NEXT: %[[D:.*]] = nn.clip %[[M]]
  // CHECK-NEXT: nn.output "y" %[[C]]
  // CHECK-NEXT: nn.output "z" %[[D]]
  %x = nn.input "x" owner "client" : tensor<1x1x4x4xf32>
  %0 = nn.clip %x {low = 0.0, high = 6.0} : tensor<1x1x4x4xf32>
  %1 = nn.max_pool2d %0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  %2 = nn.max_pool2d %1 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  %3 = nn.reduce <max> %0 {axes = array<i64: 2, 3>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x1x1xf32>
  nn.output "y" %2 to "client" : tensor<1x1x1x1xf32>
  nn.output "z" %3 to "client" : tensor<1x1x1x1xf32>
  return
}

// -----
// Another user needs the function on all elements anyway.
// CHECK-LABEL: func.func @other_user
func.func @other_user() {
  // CHECK: %[[R:.*]] = nn.relu
  // CHECK: nn.max_pool2d %[[R]]
  %x = nn.input "x" owner "client" : tensor<1x1x4x4xf32>
  %0 = nn.relu %x : tensor<1x1x4x4xf32>
  %1 = nn.max_pool2d %0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  nn.output "y" %1 to "client" : tensor<1x1x2x2xf32>
  nn.output "z" %0 to "client" : tensor<1x1x4x4xf32>
  return
}

// -----
// A pooling with stride one has as many elements behind it as before: nothing is gained.
// CHECK-LABEL: func.func @stride_one
func.func @stride_one() {
  // CHECK: %[[R:.*]] = nn.relu
  // CHECK: nn.max_pool2d %[[R]]
  %x = nn.input "x" owner "client" : tensor<1x1x4x4xf32>
  %0 = nn.relu %x : tensor<1x1x4x4xf32>
  %1 = nn.max_pool2d %0 {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  nn.output "y" %1 to "client" : tensor<1x1x4x4xf32>
  return
}

// -----
// Not monotone: a negative factor turns the order of negative numbers around. Averages do not commute.
// CHECK-LABEL: func.func @no_exchange
func.func @no_exchange() {
  // CHECK: %[[L:.*]] = nn.leaky_relu
  // CHECK-NEXT: nn.max_pool2d %[[L]]
  // CHECK: %[[A:.*]] = nn.abs
  // CHECK-NEXT: nn.max_pool2d %[[A]]
  // CHECK: %[[R:.*]] = nn.relu
  // CHECK-NEXT: nn.reduce <mean> %[[R]]
  %x = nn.input "x" owner "client" : tensor<1x1x4x4xf32>
  %0 = nn.leaky_relu %x {alpha = -0.1} : tensor<1x1x4x4xf32>
  %1 = nn.max_pool2d %0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  nn.output "a" %1 to "client" : tensor<1x1x2x2xf32>
  %2 = nn.abs %x : tensor<1x1x4x4xf32>
  %3 = nn.max_pool2d %2 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  nn.output "b" %3 to "client" : tensor<1x1x2x2xf32>
  %4 = nn.relu %x : tensor<1x1x4x4xf32>
  %5 = nn.reduce <mean> %4 {axes = array<i64: 2, 3>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x1x1xf32>
  nn.output "c" %5 to "client" : tensor<1x1x1x1xf32>
  return
}

// -----
// Smooth functions that increase; others would choose other elements.
// CHECK-LABEL: func.func @functions
func.func @functions() {
  // CHECK: %[[X:.*]] = nn.input
  // CHECK-NEXT: %[[P:.*]] = nn.max_pool2d %[[X]]
  // CHECK-NEXT: nn.function <tanh> %[[P]] : tensor<1x1x2x2xf32>
  // CHECK: %[[F:.*]] = nn.function <silu> %[[X]]
  // CHECK-NEXT: nn.max_pool2d %[[F]]
  %x = nn.input "x" owner "client" : tensor<1x1x4x4xf32>
  %0 = nn.function #nn.function<tanh> %x : tensor<1x1x4x4xf32>
  %1 = nn.max_pool2d %0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  nn.output "y" %1 to "client" : tensor<1x1x2x2xf32>
  %2 = nn.function #nn.function<silu> %x : tensor<1x1x4x4xf32>
  %3 = nn.max_pool2d %2 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  nn.output "z" %3 to "client" : tensor<1x1x2x2xf32>
  return
}
