// RUN: dyad-opt %s --delay-truncations=network=wan | FileCheck %s

fx.weight @a : tensor<4x4x!fx.fixed<s8, 6, server>>
fx.weight @b : tensor<4x4x!fx.fixed<s8, 6, server>>
fx.weight @c : tensor<4x!fx.fixed<s8, 14, server>>
// Two products in a row: one rounding, of the second. What is added to it is shifted.
// CHECK-LABEL: func.func @two_products
func.func @two_products() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<2x4x!fx.fixed<s12, 10, client>>
  %a = fx.constant @a : tensor<4x4x!fx.fixed<s8, 6, server>>
  %b = fx.constant @b : tensor<4x4x!fx.fixed<s8, 6, server>>
  %c = fx.constant @c : tensor<4x!fx.fixed<s8, 14, server>>
  %d = fx.broadcast %c : (tensor<4x!fx.fixed<s8, 14, server>>) -> tensor<2x4x!fx.fixed<s8, 14, server>>
  // CHECK: %[[P:.*]] = fx.matmul {{.*}} -> tensor<2x4x!fx.fixed<s21, 16, shared>>
  // CHECK-NEXT: %[[M:.*]] = fx.reshape %[[P]]
  // CHECK-NEXT: %[[W:.*]] = fx.resize %[[M]] : {{.*}} -> tensor<2x4x!fx.fixed<s33, 16, shared>>
  // CHECK-NEXT: %[[Q:.*]] = fx.matmul %[[W]], %{{.*}} -> tensor<2x4x!fx.fixed<s33, 22, shared>>
  // CHECK-NEXT: %[[D:.*]] = fx.shift_left %{{.*}} {shift = 8 : i64} : {{.*}} -> tensor<2x4x!fx.fixed<s16, 22, server>>
  // CHECK-NEXT: %[[S:.*]] = fx.add %[[Q]], %[[D]] : {{.*}} -> tensor<2x4x!fx.fixed<s33, 22, shared>>
  // CHECK-NEXT: fx.requantize %[[S]] : {{.*}} -> tensor<2x4x!fx.fixed<s18, 8, shared>>
  // CHECK-NEXT: fx.reveal
  %p = fx.matmul %x, %a : (tensor<2x4x!fx.fixed<s12, 10, client>>, tensor<4x4x!fx.fixed<s8, 6, server>>) -> tensor<2x4x!fx.fixed<s21, 16, shared>>
  %0 = fx.requantize %p : (tensor<2x4x!fx.fixed<s21, 16, shared>>) -> tensor<2x4x!fx.fixed<s14, 8, shared>>
  %1 = fx.reshape %0 : (tensor<2x4x!fx.fixed<s14, 8, shared>>) -> tensor<2x4x!fx.fixed<s14, 8, shared>>
  %q = fx.matmul %1, %b : (tensor<2x4x!fx.fixed<s14, 8, shared>>, tensor<4x4x!fx.fixed<s8, 6, server>>) -> tensor<2x4x!fx.fixed<s24, 14, shared>>
  %2 = fx.add %q, %d : (tensor<2x4x!fx.fixed<s24, 14, shared>>, tensor<2x4x!fx.fixed<s8, 14, server>>) -> tensor<2x4x!fx.fixed<s24, 14, shared>>
  %3 = fx.requantize %2 : (tensor<2x4x!fx.fixed<s24, 14, shared>>) -> tensor<2x4x!fx.fixed<s18, 8, shared>>
  %4 = fx.reveal %3 : (tensor<2x4x!fx.fixed<s18, 8, shared>>) -> tensor<2x4x!fx.fixed<s18, 8, client>>
  fx.output "y" %4 : tensor<2x4x!fx.fixed<s18, 8, client>>
  return
}

// A ReLU in between reads the rounded number.
// CHECK-LABEL: func.func @relu_between
func.func @relu_between() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<2x4x!fx.fixed<s12, 10, client>>
  %a = fx.constant @a : tensor<4x4x!fx.fixed<s8, 6, server>>
  %b = fx.constant @b : tensor<4x4x!fx.fixed<s8, 6, server>>
  // CHECK: fx.requantize
  // CHECK-NEXT: fx.relu
  // CHECK: fx.requantize
  %p = fx.matmul %x, %a : (tensor<2x4x!fx.fixed<s12, 10, client>>, tensor<4x4x!fx.fixed<s8, 6, server>>) -> tensor<2x4x!fx.fixed<s21, 16, shared>>
  %0 = fx.requantize %p : (tensor<2x4x!fx.fixed<s21, 16, shared>>) -> tensor<2x4x!fx.fixed<s14, 8, shared>>
  %1 = fx.relu %0 : (tensor<2x4x!fx.fixed<s14, 8, shared>>) -> tensor<2x4x!fx.fixed<s14, 8, shared>>
  %q = fx.matmul %1, %b : (tensor<2x4x!fx.fixed<s14, 8, shared>>, tensor<4x4x!fx.fixed<s8, 6, server>>) -> tensor<2x4x!fx.fixed<s24, 14, shared>>
  %3 = fx.requantize %q : (tensor<2x4x!fx.fixed<s24, 14, shared>>) -> tensor<2x4x!fx.fixed<s18, 8, shared>>
  %4 = fx.reveal %3 : (tensor<2x4x!fx.fixed<s18, 8, shared>>) -> tensor<2x4x!fx.fixed<s18, 8, client>>
  fx.output "y" %4 : tensor<2x4x!fx.fixed<s18, 8, client>>
  return
}

fx.weight @up : tensor<4x4096x!fx.fixed<s8, 6, server>>
fx.weight @in : tensor<256x4x!fx.fixed<s8, 6, server>>
// A thousand times as many elements behind the second product: wider truncations there cost more.
// CHECK-LABEL: func.func @grows
func.func @grows() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<512x256x!fx.fixed<s12, 10, client>>
  %a = fx.constant @in : tensor<256x4x!fx.fixed<s8, 6, server>>
  %b = fx.constant @up : tensor<4x4096x!fx.fixed<s8, 6, server>>
  // CHECK: fx.requantize
  // CHECK: fx.requantize
  %p = fx.matmul %x, %a : (tensor<512x256x!fx.fixed<s12, 10, client>>, tensor<256x4x!fx.fixed<s8, 6, server>>) -> tensor<512x4x!fx.fixed<s27, 16, shared>>
  %0 = fx.requantize %p : (tensor<512x4x!fx.fixed<s27, 16, shared>>) -> tensor<512x4x!fx.fixed<s19, 8, shared>>
  %q = fx.matmul %0, %b : (tensor<512x4x!fx.fixed<s19, 8, shared>>, tensor<4x4096x!fx.fixed<s8, 6, server>>) -> tensor<512x4096x!fx.fixed<s28, 14, shared>>
  %3 = fx.requantize %q : (tensor<512x4096x!fx.fixed<s28, 14, shared>>) -> tensor<512x4096x!fx.fixed<s22, 8, shared>>
  %4 = fx.reveal %3 : (tensor<512x4096x!fx.fixed<s22, 8, shared>>) -> tensor<512x4096x!fx.fixed<s22, 8, client>>
  fx.output "y" %4 : tensor<512x4096x!fx.fixed<s22, 8, client>>
  return
}
