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
