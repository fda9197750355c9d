// RUN: dyad-opt %s --infer-ownership=set=w=public | FileCheck %s
// RUN: not dyad-opt %s --infer-ownership=set=x=server 2>&1 | FileCheck %s --check-prefix=SHARED
// RUN: not dyad-opt %s --infer-ownership=set=u=public,w=nobody 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// CHECK-DAG: fx.weight @w : tensor<2x!fx.fixed<s4, 0, public>>
// CHECK-DAG: fx.weight @v : tensor<2x!fx.fixed<s4, 4, server>>
fx.weight @w : tensor<2x!fx.fixed<s4, 0, server>> = dense<[1, 2]> : tensor<2xi8>
fx.weight @v : tensor<2x!fx.fixed<s4, 4, server>> = dense<[1, 2]> : tensor<2xi8>
// CHECK-LABEL: func.func @main
func.func @main() {
  %x = fx.input "x" range -7.0 to 7.0 <declared> : tensor<2x!fx.fixed<s8, 4, client>>
  %w = fx.constant @w : tensor<2x!fx.fixed<s4, 0, server>>
  // A public factor leaves the product with the client,
  // CHECK: %[[P:.*]] = fx.mul {{.*}} -> tensor<2x!fx.fixed<s12, 4, client>>
  %0 = fx.mul %x, %w : (tensor<2x!fx.fixed<s8, 4, client>>, tensor<2x!fx.fixed<s4, 0, server>>) -> tensor<2x!fx.fixed<s12, 4, shared>>
  // CHECK-NEXT: %[[R:.*]] = fx.relu %[[P]] : {{.*}} -> tensor<2x!fx.fixed<s12, 4, client>>
  %1 = fx.relu %0 : (tensor<2x!fx.fixed<s12, 4, shared>>) -> tensor<2x!fx.fixed<s12, 4, shared>>
  // who needs no opening then.
  // CHECK-NEXT: fx.output "y" %[[R]]
  %2 = fx.reveal %1 : (tensor<2x!fx.fixed<s12, 4, shared>>) -> tensor<2x!fx.fixed<s12, 4, client>>
  fx.output "y" %2 : tensor<2x!fx.fixed<s12, 4, client>>
  // Values of both parties make a shared one, which stays to be revealed.
  // CHECK: %[[V:.*]] = fx.constant @v
  %v = fx.constant @v : tensor<2x!fx.fixed<s4, 4, server>>
  // CHECK-NEXT: %[[S:.*]] = fx.add %[[R]], %[[V]] : {{.*}} -> tensor<2x!fx.fixed<s13, 4, shared>>
  %3 = fx.add %1, %v : (tensor<2x!fx.fixed<s12, 4, shared>>, tensor<2x!fx.fixed<s4, 4, server>>) -> tensor<2x!fx.fixed<s13, 4, shared>>
  // CHECK-NEXT: fx.reveal %[[S]]
  %4 = fx.reveal %3 : (tensor<2x!fx.fixed<s13, 4, shared>>) -> tensor<2x!fx.fixed<s13, 4, client>>
  fx.output "z" %4 : tensor<2x!fx.fixed<s13, 4, client>>
  // Nobody reveals this one: it must stay with one party.
  %c = fx.input "c" range -7.0 to 7.0 <declared> : tensor<2x!fx.fixed<s8, 4, client>>
  %5 = fx.add %x, %c : (tensor<2x!fx.fixed<s8, 4, client>>, tensor<2x!fx.fixed<s8, 4, client>>) -> tensor<2x!fx.fixed<s9, 4, client>>
  // SHARED: error: output 'sum' leaves as shares that nobody can read; it needs an fx.reveal to its receiver
  fx.output "sum" %5 : tensor<2x!fx.fixed<s9, 4, client>>
  return
}
// UNKNOWN: there is no input or weight 'u'
// UNKNOWN: 'w=nobody' is not NAME=client, NAME=server or NAME=public
