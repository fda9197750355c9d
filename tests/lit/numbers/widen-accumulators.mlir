// RUN: dyad-opt %s --widen-accumulators | FileCheck %s

fx.weight @w : tensor<2x2x!fx.fixed<s8, 6, server>> = dense<3> : tensor<2x2xi8>
// CHECK-LABEL: func.func @residual
func.func @residual() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1x2x!fx.fixed<s12, 10, client>>
  %w = fx.constant @w : tensor<2x2x!fx.fixed<s8, 6, server>>
  // The sum is one bit wider than its terms: so is the product, before and behind the rounding.
  // CHECK: %[[P:.*]] = fx.matmul {{.*}} -> tensor<1x2x!fx.fixed<s22, 16, shared>>
  %0 = fx.matmul %x, %w : (tensor<1x2x!fx.fixed<s12, 10, client>>, tensor<2x2x!fx.fixed<s8, 6, server>>) -> tensor<1x2x!fx.fixed<s21, 16, shared>>
  // CHECK-NEXT: %[[T:.*]] = fx.truncate %[[P]] {{.*}} -> tensor<1x2x!fx.fixed<s16, 10, shared>>
  %1 = fx.truncate %0 {shift = 6 : i64, rounding = #fx.rounding<nearest>} : (tensor<1x2x!fx.fixed<s21, 16, shared>>) -> tensor<1x2x!fx.fixed<s15, 10, shared>>
  // Who does not want the bit gets rid of it for nothing.
  // CHECK-NEXT: %[[N:.*]] = fx.resize %[[T]] : {{.*}} -> tensor<1x2x!fx.fixed<s15, 10, shared>>
  // CHECK-NEXT: %[[R:.*]] = fx.relu %[[N]] : {{.*}} -> tensor<1x2x!fx.fixed<s15, 10, shared>>
  %2 = fx.relu %1 : (tensor<1x2x!fx.fixed<s15, 10, shared>>) -> tensor<1x2x!fx.fixed<s15, 10, shared>>
  // CHECK-NEXT: fx.add %[[T]], %[[R]]
  %3 = fx.add %1, %2 : (tensor<1x2x!fx.fixed<s15, 10, shared>>, tensor<1x2x!fx.fixed<s15, 10, shared>>) -> tensor<1x2x!fx.fixed<s16, 10, shared>>
  %4 = fx.reveal %3 : (tensor<1x2x!fx.fixed<s16, 10, shared>>) -> tensor<1x2x!fx.fixed<s16, 10, client>>
  fx.output "y" %4 : tensor<1x2x!fx.fixed<s16, 10, client>>
  return
}
