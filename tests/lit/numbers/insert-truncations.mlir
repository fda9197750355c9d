// RUN: dyad-opt %s --insert-truncations | FileCheck %s

// CHECK-LABEL: func.func @forms
func.func @forms() {
  %x = fx.input "x" range -7.0 to 7.0 <declared> : tensor<2x!fx.fixed<s8, 4, client>>
  // CHECK: fx.truncate %{{.*}} {rounding = #fx.rounding<nearest>, shift = 2 : i64} : {{.*}} -> tensor<2x!fx.fixed<s6, 2, client>>
  %0 = fx.requantize %x : (tensor<2x!fx.fixed<s8, 4, client>>) -> tensor<2x!fx.fixed<s6, 2, client>>
  // CHECK-NEXT: fx.shift_left %{{.*}} {shift = 5 : i64} : {{.*}} -> tensor<2x!fx.fixed<s14, 7, client>>
  %1 = fx.requantize %0 : (tensor<2x!fx.fixed<s6, 2, client>>) -> tensor<2x!fx.fixed<s14, 7, client>>
  // CHECK-NEXT: fx.resize %{{.*}} -> tensor<2x!fx.fixed<s20, 7, client>>
  %2 = fx.requantize %1 : (tensor<2x!fx.fixed<s14, 7, client>>) -> tensor<2x!fx.fixed<s20, 7, client>>
  // CHECK-NEXT: fx.output
  fx.output "y" %2 : tensor<2x!fx.fixed<s20, 7, client>>
  return
}

fx.weight @w : tensor<1x1x1x1x!fx.fixed<s8, 6, server>> = dense<3> : tensor<1x1x1x1xi8>
// Windows that skip elements: a sixteenth is left behind the pooling. Round there, and before the ReLU.
// CHECK-LABEL: func.func @behind_pooling
func.func @behind_pooling() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1x1x8x8x!fx.fixed<s12, 10, client>>
  %w = fx.constant @w : tensor<1x1x1x1x!fx.fixed<s8, 6, server>>
  // CHECK: %[[C:.*]] = fx.conv2d
  %0 = fx.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x8x8x!fx.fixed<s12, 10, client>>, tensor<1x1x1x1x!fx.fixed<s8, 6, server>>) -> tensor<1x1x8x8x!fx.fixed<s20, 16, shared>>
  // CHECK-NEXT: %[[P:.*]] = fx.max_pool2d %[[C]] {{.*}} -> tensor<1x1x2x2x!fx.fixed<s20, 16, shared>>
  // CHECK-NEXT: %[[T:.*]] = fx.truncate %[[P]] {{.*}}shift = 2 : i64} : {{.*}} -> tensor<1x1x2x2x!fx.fixed<s18, 14, shared>>
  // CHECK-NEXT: fx.relu %[[T]]
  %1 = fx.requantize %0 : (tensor<1x1x8x8x!fx.fixed<s20, 16, shared>>) -> tensor<1x1x8x8x!fx.fixed<s18, 14, shared>>
  %2 = fx.max_pool2d %1 {kernel = array<i64: 2, 2>, strides = array<i64: 4, 4>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x1x8x8x!fx.fixed<s18, 14, shared>>) -> tensor<1x1x2x2x!fx.fixed<s18, 14, shared>>
  %3 = fx.relu %2 : (tensor<1x1x2x2x!fx.fixed<s18, 14, shared>>) -> tensor<1x1x2x2x!fx.fixed<s18, 14, shared>>
  %4 = fx.reveal %3 : (tensor<1x1x2x2x!fx.fixed<s18, 14, shared>>) -> tensor<1x1x2x2x!fx.fixed<s18, 14, client>>
  fx.output "y" %4 : tensor<1x1x2x2x!fx.fixed<s18, 14, client>>
  return
}

// Windows that overlap: as many elements behind the pooling, nine wide comparisons each. Round first.
// CHECK-LABEL: func.func @before_pooling
func.func @before_pooling() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1x1x8x8x!fx.fixed<s12, 10, client>>
  %w = fx.constant @w : tensor<1x1x1x1x!fx.fixed<s8, 6, server>>
  %0 = fx.conv2d %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x8x8x!fx.fixed<s12, 10, client>>, tensor<1x1x1x1x!fx.fixed<s8, 6, server>>) -> tensor<1x1x8x8x!fx.fixed<s22, 16, shared>>
  // CHECK: %[[T:.*]] = fx.truncate
  // CHECK-NEXT: fx.max_pool2d %[[T]]
  %1 = fx.requantize %0 : (tensor<1x1x8x8x!fx.fixed<s22, 16, shared>>) -> tensor<1x1x8x8x!fx.fixed<s14, 8, shared>>
  %2 = fx.max_pool2d %1 {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<1x1x8x8x!fx.fixed<s14, 8, shared>>) -> tensor<1x1x8x8x!fx.fixed<s14, 8, shared>>
  %3 = fx.reveal %2 : (tensor<1x1x8x8x!fx.fixed<s14, 8, shared>>) -> tensor<1x1x8x8x!fx.fixed<s14, 8, client>>
  fx.output "y" %3 : tensor<1x1x8x8x!fx.fixed<s14, 8, client>>
  return
}
