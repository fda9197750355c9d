// RUN: dyad-opt --print-costs %s -o %t | FileCheck %s
// Rows by node and protocol in the order of execution; a pair that comes again adds to its row. What
// is local has none. tests/end_to_end compares such rows with the statistics of runs.

!a = !mpc.arith<16>
func.func @main() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<8x!fx.fixed<s16, 8, client>>
  %s = mpc.share %x : (tensor<8x!fx.fixed<s16, 8, client>>) -> tensor<8x!a>
  // A bit-plane of 8 elements is one byte. An extension of a bounded value is one COT an element:
  // 8 choices, then 8 times 4 bits; with 8 bytes in front of each message. Twice.
  // CHECK: node operation
  // CHECK-NEXT: grow extend 18 24 4 16
  %e = mpc.extend %s {known = #mpc.known<bounded>} : (tensor<8x!a>) -> tensor<8x!mpc.arith<20>> loc("grow")
  %f = mpc.extend %s {known = #mpc.known<bounded>} : (tensor<8x!a>) -> tensor<8x!mpc.arith<20>> loc("grow")
  %n = mpc.neg %f : (tensor<8x!mpc.arith<20>>) -> tensor<8x!mpc.arith<20>> loc("local")
  %y = mpc.add %e, %n : tensor<8x!mpc.arith<20>>
  // CHECK-NEXT: left + right relu + relu
  %p:2 = mpc.parallel : tensor<8x!mpc.arith<20>>, tensor<8x!mpc.arith<20>> {
    %1 = mpc.relu %y : (tensor<8x!mpc.arith<20>>) -> tensor<8x!mpc.arith<20>> loc("left")
    %2 = mpc.relu %e : (tensor<8x!mpc.arith<20>>) -> tensor<8x!mpc.arith<20>> loc("right")
    mpc.yield %1, %2 : tensor<8x!mpc.arith<20>>, tensor<8x!mpc.arith<20>>
  }
  %z = mpc.add %p#0, %p#1 : tensor<8x!mpc.arith<20>>
  // CHECK-NEXT: y reveal 0 28 0
  // CHECK-NEXT: -----
  // CHECK-NEXT: setup
  // CHECK-NEXT: stock
  // CHECK-NEXT: online
  %r = mpc.reveal %z : (tensor<8x!mpc.arith<20>>) -> tensor<8x!fx.fixed<s20, 8, client>> loc("y")
  fx.output "y" %r : tensor<8x!fx.fixed<s20, 8, client>>
  return
}
