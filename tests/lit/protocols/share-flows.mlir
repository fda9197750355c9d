// RUN: dyad-opt --share-flows %s | FileCheck %s
// Two branches of a residual block: what does not wait for another protocol goes side by side.

!a = !mpc.arith<16>
// CHECK-LABEL: func.func @main
func.func @main() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<4x!fx.fixed<s16, 8, client>>
  %s = mpc.share %x : (tensor<4x!fx.fixed<s16, 8, client>>) -> tensor<4x!a>
  // CHECK: %[[BOTH:.*]]:2 = mpc.parallel : tensor<4x!mpc.arith<16>>, tensor<4x!mpc.arith<10>> {
  // CHECK:   %[[A:.*]] = mpc.relu
  // CHECK:   %[[B:.*]] = mpc.truncate_reduce
  // CHECK:   mpc.yield %[[A]], %[[B]]
  // CHECK: }
  %1 = mpc.relu %s : (tensor<4x!a>) -> tensor<4x!a> loc("left/relu")
  // CHECK: mpc.narrow %[[BOTH]]#0
  %2 = mpc.narrow %1 : (tensor<4x!a>) -> tensor<4x!mpc.arith<10>>
  // The second ReLU of the left branch waits for the first.
  // CHECK: %[[C:.*]] = mpc.relu
  %3 = mpc.relu %2 : (tensor<4x!mpc.arith<10>>) -> tensor<4x!mpc.arith<10>> loc("left/relu2")
  %4 = mpc.truncate_reduce %s {shift = 6 : i64, rounding = #fx.rounding<floor>} : (tensor<4x!a>) -> tensor<4x!mpc.arith<10>> loc("right/truncate")
  // CHECK: %[[SUM:.*]] = mpc.add %[[C]], %[[BOTH]]#1
  %5 = mpc.add %3, %4 : tensor<4x!mpc.arith<10>>
  // CHECK: mpc.reveal %[[SUM]]
  %6 = mpc.reveal %5 : (tensor<4x!mpc.arith<10>>) -> tensor<4x!fx.fixed<s10, 2, client>>
  fx.output "y" %6 : tensor<4x!fx.fixed<s10, 2, client>>
  return
}
