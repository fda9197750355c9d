// RUN: dyad-opt %s --sink-truncations --insert-truncations | FileCheck %s

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

fx.weight @a : tensor<4x4x!fx.fixed<s8, 6, server>>
fx.weight @b : tensor<4x4x!fx.fixed<s8, 5, server>>
// One rounding of a sum instead of one of each term, also through moves of elements; another user
// of a term needs it rounded anyway.
// CHECK-LABEL: func.func @sums
func.func @sums() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<2x4x!fx.fixed<s12, 10, client>>
  %a = fx.constant @a : tensor<4x4x!fx.fixed<s8, 6, server>>
  %b = fx.constant @b : tensor<4x4x!fx.fixed<s8, 5, server>>
  // CHECK: %[[P:.*]] = fx.matmul {{.*}} -> tensor<2x4x!fx.fixed<s21, 16, shared>>
  // CHECK: %[[Q:.*]] = fx.matmul {{.*}} -> tensor<2x4x!fx.fixed<s21, 15, shared>>
  // CHECK: %[[L:.*]] = fx.shift_left %[[Q]] {shift = 1 : i64}
  // CHECK: %[[R:.*]] = fx.reshape %[[L]]
  // CHECK: %[[S:.*]] = fx.add %[[P]], %[[R]] : {{.*}} -> tensor<2x4x!fx.fixed<s22, 16, shared>>
  // CHECK: fx.truncate %[[S]] {rounding = #fx.rounding<nearest>, shift = 8 : i64} : {{.*}} -> tensor<2x4x!fx.fixed<s16, 8, shared>>
  // CHECK-NOT: fx.truncate
  %p = fx.matmul %x, %a : (tensor<2x4x!fx.fixed<s12, 10, client>>, tensor<4x4x!fx.fixed<s8, 6, server>>) -> tensor<2x4x!fx.fixed<s21, 16, shared>>
  %q = fx.matmul %x, %b : (tensor<2x4x!fx.fixed<s12, 10, client>>, tensor<4x4x!fx.fixed<s8, 5, server>>) -> tensor<2x4x!fx.fixed<s21, 15, shared>>
  %0 = fx.requantize %p : (tensor<2x4x!fx.fixed<s21, 16, shared>>) -> tensor<2x4x!fx.fixed<s14, 8, shared>>
  %1 = fx.requantize %q : (tensor<2x4x!fx.fixed<s21, 15, shared>>) -> tensor<2x4x!fx.fixed<s15, 8, shared>>
  %2 = fx.reshape %1 : (tensor<2x4x!fx.fixed<s15, 8, shared>>) -> tensor<2x4x!fx.fixed<s15, 8, shared>>
  %3 = fx.add %0, %2 : (tensor<2x4x!fx.fixed<s14, 8, shared>>, tensor<2x4x!fx.fixed<s15, 8, shared>>) -> tensor<2x4x!fx.fixed<s16, 8, shared>>
  %4 = fx.reveal %3 : (tensor<2x4x!fx.fixed<s16, 8, shared>>) -> tensor<2x4x!fx.fixed<s16, 8, client>>
  fx.output "y" %4 : tensor<2x4x!fx.fixed<s16, 8, client>>
  return
}

// CHECK-LABEL: func.func @other_user
func.func @other_user() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<2x4x!fx.fixed<s12, 10, client>>
  %a = fx.constant @a : tensor<4x4x!fx.fixed<s8, 6, server>>
  %b = fx.constant @b : tensor<4x4x!fx.fixed<s8, 5, server>>
  // CHECK: %[[T:.*]] = fx.truncate
  // CHECK: %[[U:.*]] = fx.truncate
  // CHECK: fx.add %[[T]], %[[U]]
  %p = fx.matmul %x, %a : (tensor<2x4x!fx.fixed<s12, 10, client>>, tensor<4x4x!fx.fixed<s8, 6, server>>) -> tensor<2x4x!fx.fixed<s21, 16, shared>>
  %q = fx.matmul %x, %b : (tensor<2x4x!fx.fixed<s12, 10, client>>, tensor<4x4x!fx.fixed<s8, 5, server>>) -> tensor<2x4x!fx.fixed<s21, 15, shared>>
  %0 = fx.requantize %p : (tensor<2x4x!fx.fixed<s21, 16, shared>>) -> tensor<2x4x!fx.fixed<s14, 8, shared>>
  %1 = fx.requantize %q : (tensor<2x4x!fx.fixed<s21, 15, shared>>) -> tensor<2x4x!fx.fixed<s15, 8, shared>>
  %2 = fx.add %0, %1 : (tensor<2x4x!fx.fixed<s14, 8, shared>>, tensor<2x4x!fx.fixed<s15, 8, shared>>) -> tensor<2x4x!fx.fixed<s16, 8, shared>>
  %3 = fx.relu %2 : (tensor<2x4x!fx.fixed<s16, 8, shared>>) -> tensor<2x4x!fx.fixed<s16, 8, shared>>
  %4 = fx.add %3, %0 : (tensor<2x4x!fx.fixed<s16, 8, shared>>, tensor<2x4x!fx.fixed<s14, 8, shared>>) -> tensor<2x4x!fx.fixed<s17, 8, shared>>
  %5 = fx.reveal %4 : (tensor<2x4x!fx.fixed<s17, 8, shared>>) -> tensor<2x4x!fx.fixed<s17, 8, client>>
  fx.output "y" %5 : tensor<2x4x!fx.fixed<s17, 8, client>>
  return
}

fx.weight @k : tensor<8x1x1x1x!fx.fixed<s8, 6, server>>
// A mean of four is a shift of the binary point: one rounding of a quarter of the elements.
// CHECK-LABEL: func.func @mean_of_four
func.func @mean_of_four() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1x1x8x8x!fx.fixed<s12, 10, client>>
  %k = fx.constant @k : tensor<8x1x1x1x!fx.fixed<s8, 6, server>>
  // CHECK: %[[C:.*]] = fx.conv2d
  // CHECK-NEXT: %[[P:.*]] = fx.sum_pool2d %[[C]] {{.*}} -> tensor<1x8x4x4x!fx.fixed<s21, 18, shared>>
  // CHECK-NEXT: fx.truncate %[[P]] {{.*}}shift = 10 : i64} : {{.*}} -> tensor<1x8x4x4x!fx.fixed<s11, 8, shared>>
  // CHECK-NOT: fx.divide
  %0 = fx.conv2d %x, %k {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x8x8x!fx.fixed<s12, 10, client>>, tensor<8x1x1x1x!fx.fixed<s8, 6, server>>) -> tensor<1x8x8x8x!fx.fixed<s19, 16, shared>>
  %1 = fx.requantize %0 : (tensor<1x8x8x8x!fx.fixed<s19, 16, shared>>) -> tensor<1x8x8x8x!fx.fixed<s11, 8, shared>>
  %2 = fx.sum_pool2d %1 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x8x8x8x!fx.fixed<s11, 8, shared>>) -> tensor<1x8x4x4x!fx.fixed<s13, 8, shared>>
  %3 = fx.divide %2 {divisor = 4 : i64, rounding = #fx.rounding<nearest>} : (tensor<1x8x4x4x!fx.fixed<s13, 8, shared>>) -> tensor<1x8x4x4x!fx.fixed<s11, 8, shared>>
  %4 = fx.reveal %3 : (tensor<1x8x4x4x!fx.fixed<s11, 8, shared>>) -> tensor<1x8x4x4x!fx.fixed<s11, 8, client>>
  fx.output "y" %4 : tensor<1x8x4x4x!fx.fixed<s11, 8, client>>
  return
}

// A mean of nine keeps its division, behind one rounding of fewer elements.
// CHECK-LABEL: func.func @mean_of_nine
func.func @mean_of_nine() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1x1x9x9x!fx.fixed<s12, 10, client>>
  %k = fx.constant @k : tensor<8x1x1x1x!fx.fixed<s8, 6, server>>
  // CHECK: %[[C:.*]] = fx.conv2d
  // CHECK-NEXT: %[[P:.*]] = fx.sum_pool2d %[[C]] {{.*}} -> tensor<1x8x3x3x!fx.fixed<s{{[0-9]+}}, 16, shared>>
  // CHECK-NEXT: %[[T:.*]] = fx.truncate %[[P]] {{.*}}shift = 8 : i64}
  // CHECK-NEXT: fx.divide %[[T]] {divisor = 9
  %0 = fx.conv2d %x, %k {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x9x9x!fx.fixed<s12, 10, client>>, tensor<8x1x1x1x!fx.fixed<s8, 6, server>>) -> tensor<1x8x9x9x!fx.fixed<s19, 16, shared>>
  %1 = fx.requantize %0 : (tensor<1x8x9x9x!fx.fixed<s19, 16, shared>>) -> tensor<1x8x9x9x!fx.fixed<s11, 8, shared>>
  %2 = fx.sum_pool2d %1 {kernel = array<i64: 3, 3>, strides = array<i64: 3, 3>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x8x9x9x!fx.fixed<s11, 8, shared>>) -> tensor<1x8x3x3x!fx.fixed<s15, 8, shared>>
  %3 = fx.divide %2 {divisor = 9 : i64, rounding = #fx.rounding<nearest>} : (tensor<1x8x3x3x!fx.fixed<s15, 8, shared>>) -> tensor<1x8x3x3x!fx.fixed<s12, 8, shared>>
  %4 = fx.reveal %3 : (tensor<1x8x3x3x!fx.fixed<s12, 8, shared>>) -> tensor<1x8x3x3x!fx.fixed<s12, 8, client>>
  fx.output "y" %4 : tensor<1x8x3x3x!fx.fixed<s12, 8, client>>
  return
}

// Windows that overlap sum nine elements each, however many windows there are. What was assumed of the sum, negative bounds
// included, is assumed of the unrounded one.
// CHECK-LABEL: func.func @overlapping
func.func @overlapping() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1x1x9x9x!fx.fixed<s12, 10, client>>
  %k = fx.constant @k : tensor<8x1x1x1x!fx.fixed<s8, 6, server>>
  // CHECK: %[[C:.*]] = fx.conv2d
  // CHECK-NEXT: %[[P:.*]] = fx.sum_pool2d %[[C]] {{.*}} -> tensor<1x8x7x7x!fx.fixed<s20, 16, shared>>
  // CHECK-NEXT: %[[A:.*]] = fx.assume %[[P]] in -512000 to 512000 <calibrated>
  // CHECK-NEXT: fx.truncate %[[A]] {{.*}}shift = 8 : i64}
  %0 = fx.conv2d %x, %k {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x9x9x!fx.fixed<s12, 10, client>>, tensor<8x1x1x1x!fx.fixed<s8, 6, server>>) -> tensor<1x8x9x9x!fx.fixed<s19, 16, shared>>
  %1 = fx.requantize %0 : (tensor<1x8x9x9x!fx.fixed<s19, 16, shared>>) -> tensor<1x8x9x9x!fx.fixed<s11, 8, shared>>
  %2 = fx.sum_pool2d %1 {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x8x9x9x!fx.fixed<s11, 8, shared>>) -> tensor<1x8x7x7x!fx.fixed<s15, 8, shared>>
  %3 = fx.assume %2 in -2000 to 2000 <calibrated> : tensor<1x8x7x7x!fx.fixed<s15, 8, shared>>
  %4 = fx.reveal %3 : (tensor<1x8x7x7x!fx.fixed<s15, 8, shared>>) -> tensor<1x8x7x7x!fx.fixed<s15, 8, client>>
  fx.output "y" %4 : tensor<1x8x7x7x!fx.fixed<s15, 8, client>>
  return
}

fx.weight @e : tensor<4x4x!fx.fixed<s8, 6, server>>
// The ReLU that reads both parts takes their rounding in.
// CHECK-LABEL: func.func @parts
func.func @parts() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<2x4x!fx.fixed<s12, 10, client>>
  %a = fx.constant @a : tensor<4x4x!fx.fixed<s8, 6, server>>
  %b = fx.constant @e : tensor<4x4x!fx.fixed<s8, 6, server>>
  // CHECK: %[[P:.*]] = fx.matmul {{.*}} -> tensor<2x4x!fx.fixed<s21, 16, shared>>
  // CHECK: %[[Q:.*]] = fx.matmul {{.*}} -> tensor<2x4x!fx.fixed<s21, 16, shared>>
  // CHECK: %[[C:.*]] = fx.concat %[[P]], %[[Q]] {{.*}} -> tensor<2x8x!fx.fixed<s21, 16, shared>>
  // CHECK: %[[T:.*]] = fx.truncate %[[C]] {{.*}}shift = 8 : i64}
  // CHECK: fx.relu %[[T]]
  %p = fx.matmul %x, %a : (tensor<2x4x!fx.fixed<s12, 10, client>>, tensor<4x4x!fx.fixed<s8, 6, server>>) -> tensor<2x4x!fx.fixed<s21, 16, shared>>
  %q = fx.matmul %x, %b : (tensor<2x4x!fx.fixed<s12, 10, client>>, tensor<4x4x!fx.fixed<s8, 6, server>>) -> tensor<2x4x!fx.fixed<s21, 16, shared>>
  %0 = fx.requantize %p : (tensor<2x4x!fx.fixed<s21, 16, shared>>) -> tensor<2x4x!fx.fixed<s14, 8, shared>>
  %1 = fx.requantize %q : (tensor<2x4x!fx.fixed<s21, 16, shared>>) -> tensor<2x4x!fx.fixed<s14, 8, shared>>
  %2 = fx.concat %0, %1 {axis = 1 : i64} : (tensor<2x4x!fx.fixed<s14, 8, shared>>, tensor<2x4x!fx.fixed<s14, 8, shared>>) -> tensor<2x8x!fx.fixed<s14, 8, shared>>
  %3 = fx.relu %2 : (tensor<2x8x!fx.fixed<s14, 8, shared>>) -> tensor<2x8x!fx.fixed<s14, 8, shared>>
  %4 = fx.reveal %3 : (tensor<2x8x!fx.fixed<s14, 8, shared>>) -> tensor<2x8x!fx.fixed<s14, 8, client>>
  fx.output "y" %4 : tensor<2x8x!fx.fixed<s14, 8, client>>
  return
}
