// Smooth functions become polynomials over the range that reaches them, softmax is made of them, and
// rounding leaves no fraction bits.
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
  %x = nn.input "x" owner "client" range -4.0 to 4.0 : tensor<1x4xf32>
  // CHECK-NEXT: %[[M:.*]] = fx.reduce_max %[[X]]
  // CHECK-NEXT: %[[R:.*]] = fx.broadcast %[[M]]
  // CHECK-NEXT: %[[D:.*]] = fx.sub %[[X]], %[[R]]
  // CHECK-NEXT: %[[E:.*]] = fx.function "exp" %[[D]]
  // CHECK-NEXT: %[[T:.*]] = fx.reduce_sum %[[E]]
  // CHECK-NEXT: %[[I:.*]] = fx.function "reciprocal" %[[T]]
  // CHECK-NEXT: %[[F:.*]] = fx.broadcast %[[I]]
  // CHECK-NEXT: fx.mul %[[E]], %[[F]]
  %0 = nn.softmax %x {axis = 1 : i64} : tensor<1x4xf32>
  nn.output "y" %0 to "client" : tensor<1x4xf32>
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
