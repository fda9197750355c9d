// Smooth functions become polynomials over the range that reaches them, softmax, normalisations and
// quotients functions of rows, and rounding leaves no fraction bits.
// RUN: dyad-opt %s --split-input-file --nn-to-fx="scale=10 weight-scale=10" | FileCheck %s

// CHECK-LABEL: func.func @function
func.func @function() {
  // CHECK: %[[X:.*]] = fx.input "x"
  %x = nn.input "x" owner "client" range -4.0 to 4.0 : tensor<1x4xf32>
  // CHECK-NEXT: %[[S:.*]] = fx.function "sigmoid" %[[X]] {numbers = array<i64: {{.*}}>} : (tensor<1x4x!fx.fixed<s14, 10, client>>) -> tensor<1x4x!fx.fixed<s11, 10, client>>
  %0 = nn.function #nn.function<sigmoid> %x : tensor<1x4xf32>
  // CHECK-NEXT: fx.output "y" %[[S]]
  nn.output "y" %0 to "client" : tensor<1x4xf32>
  return
}

// -----
// CHECK-LABEL: func.func @softmax
func.func @softmax() {
  // CHECK: %[[X:.*]] = fx.input "x"
  %x = nn.input "x" owner "client" range -4.0 to 4.0 : tensor<2x4xf32>
  // CHECK-NEXT: %[[R:.*]] = fx.reshape %[[X]]
  // CHECK-NEXT: %[[S:.*]] = fx.rows "softmax" %[[R]] {numbers = array<i64: {{.*}}>} : (tensor<2x4x!fx.fixed<s14, 10, client>>) -> tensor<2x4x!fx.fixed<s12, 10, client>>
  // CHECK-NEXT: %[[B:.*]] = fx.reshape %[[S]]
  // CHECK-NEXT: fx.assume %[[B]] in 0 to 1026 <proved>
  %0 = nn.softmax %x {axis = 1 : i64} : tensor<2x4xf32>
  nn.output "y" %0 to "client" : tensor<2x4xf32>
  return
}

// -----
// An axis in the middle is moved to the end and back.
// CHECK-LABEL: func.func @normalize
func.func @normalize() {
  // CHECK: %[[X:.*]] = fx.input "x"
  %x = nn.input "x" owner "client" range -4.0 to 4.0 : tensor<2x5x3xf32>
  // CHECK-NEXT: %[[T:.*]] = fx.transpose %[[X]] {permutation = array<i64: 0, 2, 1>}
  // CHECK-NEXT: %[[R:.*]] = fx.reshape %[[T]] : {{.*}} -> tensor<6x5x
  // CHECK-NEXT: %[[N:.*]] = fx.rows "normalize" %[[R]]
  // CHECK-NEXT: %[[S:.*]] = fx.reshape %[[N]] : {{.*}} -> tensor<2x3x5x
  // CHECK-NEXT: %[[B:.*]] = fx.transpose %[[S]] {permutation = array<i64: 0, 2, 1>}
  // CHECK-NEXT: fx.assume %[[B]] in -2292 to 2292 <proved>
  %0 = nn.normalize %x {axes = array<i64: 1>, epsilon = 0.01 : f64, center = true} : tensor<2x5x3xf32>
  nn.output "y" %0 to "client" : tensor<2x5x3xf32>
  return
}

// -----
// One divisor for all that it is repeated over.
// CHECK-LABEL: func.func @quotient
func.func @quotient() {
  // CHECK: %[[X:.*]] = fx.input "x"
  // CHECK-NEXT: %[[Z:.*]] = fx.input "z"
  %x = nn.input "x" owner "client" range -4.0 to 4.0 : tensor<2x5x3xf32>
  %z = nn.input "z" owner "client" range 1.0 to 4.0 : tensor<2x5x1xf32>
  // CHECK: %[[A:.*]] = fx.reshape %[[X]] : {{.*}} -> tensor<10x3x
  // CHECK: %[[B:.*]] = fx.reshape %[[Z]] : {{.*}} -> tensor<10x1x
  // CHECK: fx.rows "quotient" %[[A]] by %[[B]]
  %b = nn.broadcast %z : (tensor<2x5x1xf32>) -> tensor<2x5x3xf32>
  %0 = nn.div %x, %b : tensor<2x5x3xf32>
  nn.output "y" %0 to "client" : tensor<2x5x3xf32>
  return
}

// -----
// CHECK-LABEL: func.func @round
func.func @round() {
  %x = nn.input "x" owner "client" range -4.0 to 4.0 : tensor<1x4xf32>
  // CHECK: %[[R:.*]] = fx.requantize %{{.*}} -> tensor<1x4x!fx.fixed<s4, 0, client>>
  // CHECK-NEXT: fx.clip %[[R]] {high = 2 : i64, low = -3 : i64}
  %0 = nn.round %x : tensor<1x4xf32>
  %1 = nn.clip %0 {low = -3.0, high = 2.0} : tensor<1x4xf32>
  nn.output "y" %1 to "client" : tensor<1x4xf32>
  return
}
