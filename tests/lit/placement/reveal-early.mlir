// RUN: dyad-opt %s --pass-pipeline="builtin.module(func.func(reveal-early{nodes=relu}),infer-ownership)" | FileCheck %s
// RUN: not dyad-opt %s --pass-pipeline="builtin.module(func.func(reveal-early{nodes=first}))" 2>&1 | FileCheck %s --check-prefix=PRIVATE
// RUN: not dyad-opt %s --pass-pipeline="builtin.module(func.func(reveal-early{nodes=nowhere}))" 2>&1 | FileCheck %s --check-prefix=NONE
// PRIVATE: error: {{.*}}--reveal-early: private weight 'v' is needed behind what would be revealed
// NONE: error: {{.*}}--reveal-early: there is no node 'nowhere'
!x = !fx.fixed<s16, 8, client>
!w = !fx.fixed<s8, 0, server>
!p = !fx.fixed<s8, 0, public>
!s = !fx.fixed<s32, 8, shared>
fx.weight @w : tensor<2x2x!w> = dense<1> : tensor<2x2xi8>
fx.weight @v : tensor<2x2x!w> = dense<2> : tensor<2x2xi8>
fx.weight @p : tensor<2x3x!p> = dense<3> : tensor<2x3xi8>
// CHECK-LABEL: func.func @main
func.func @main() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1x2x!x>
  %w = fx.constant @w : tensor<2x2x!w>
  %v = fx.constant @v : tensor<2x2x!w>
  %p = fx.constant @p : tensor<2x3x!p>
  %0 = fx.matmul %x, %w : (tensor<1x2x!x>, tensor<2x2x!w>) -> tensor<1x2x!s> loc("first")
  %1 = fx.matmul %0, %v : (tensor<1x2x!s>, tensor<2x2x!w>) -> tensor<1x2x!s> loc("second")
  // CHECK: %[[R:.*]] = fx.relu {{.*}}shared
  // CHECK-NEXT: %[[K:.*]] = fx.reveal %[[R]] : {{.*}}shared>>) -> {{.*}}client
  // CHECK: fx.matmul %[[K]], {{.*}}client>>, {{.*}}public>>) -> {{.*}}client
  // CHECK-NOT: fx.reveal
  %2 = fx.relu %1 : (tensor<1x2x!s>) -> tensor<1x2x!s> loc("relu")
  %3 = fx.matmul %2, %p : (tensor<1x2x!s>, tensor<2x3x!p>) -> tensor<1x3x!s> loc("last")
  %4 = fx.reveal %3 : (tensor<1x3x!s>) -> tensor<1x3x!fx.fixed<s32, 8, client>>
  fx.output "y" %4 : tensor<1x3x!fx.fixed<s32, 8, client>>
  return
}
