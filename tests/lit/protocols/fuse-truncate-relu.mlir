// RUN: dyad-opt --fuse-truncate-relu %s | FileCheck %s
// Requantise + ReLU + extension in one protocol where flows cost more than bits: here on a WAN, for a few elements.

module attributes {mpc.link = "wan"} {
func.func @main() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<8x!fx.fixed<s32, 24, client>>
  %s = mpc.share %x : (tensor<8x!fx.fixed<s32, 24, client>>) -> tensor<8x!mpc.arith<32>>

  // All three; the result that is wanted narrow is a narrowed one.
  // CHECK: %[[FUSED:.*]] = mpc.truncate_relu %{{.*}} {radix = {{[0-9]}} : i64, rounding = #fx.rounding<nearest>, shift = 12 : i64} : (tensor<8x!mpc.arith<32>>) -> tensor<8x!mpc.arith<32>>
  // CHECK-NEXT: mpc.narrow %[[FUSED]] : (tensor<8x!mpc.arith<32>>) -> tensor<8x!mpc.arith<20>>
  // CHECK-NEXT: mpc.neg %[[FUSED]] : (tensor<8x!mpc.arith<32>>)
  %t = mpc.truncate_reduce %s {shift = 12 : i64, rounding = #fx.rounding<nearest>} : (tensor<8x!mpc.arith<32>>) -> tensor<8x!mpc.arith<20>>
  %r = mpc.relu %t : (tensor<8x!mpc.arith<20>>) -> tensor<8x!mpc.arith<20>>
  %e = mpc.extend %r {known = #mpc.known<non_negative>} : (tensor<8x!mpc.arith<20>>) -> tensor<8x!mpc.arith<32>>
  %n = mpc.neg %e : (tensor<8x!mpc.arith<32>>) -> tensor<8x!mpc.arith<32>>
  %k = mpc.neg %r : (tensor<8x!mpc.arith<20>>) -> tensor<8x!mpc.arith<20>>

  // A sign that is read in a ring of less than the truncation left.
  // CHECK: mpc.truncate_relu %{{.*}} : (tensor<8x!mpc.arith<32>>) -> tensor<8x!mpc.arith<15>>
  %t2 = mpc.truncate_reduce %n {shift = 12 : i64, rounding = #fx.rounding<floor>} : (tensor<8x!mpc.arith<32>>) -> tensor<8x!mpc.arith<20>>
  %n2 = mpc.narrow %t2 : (tensor<8x!mpc.arith<20>>) -> tensor<8x!mpc.arith<15>>
  %r2 = mpc.relu %n2 : (tensor<8x!mpc.arith<15>>) -> tensor<8x!mpc.arith<15>>

  // The truncation runs anyway for its other user: the ReLU alone is less.
  // CHECK: mpc.truncate_reduce
  // CHECK: mpc.relu
  %t3 = mpc.truncate_reduce %n {shift = 13 : i64, rounding = #fx.rounding<floor>} : (tensor<8x!mpc.arith<32>>) -> tensor<8x!mpc.arith<19>>
  %r3 = mpc.relu %t3 : (tensor<8x!mpc.arith<19>>) -> tensor<8x!mpc.arith<19>>
  %a3 = mpc.add %t3, %r3 : tensor<8x!mpc.arith<19>>

  // A sum with a shortcut is fused too: the other summand gets the bits that are lost. No more bits
  // than the sum has.
  // CHECK: %[[A:.*]] = mpc.narrow %{{.*}} : (tensor<8x!mpc.arith<32>>) -> tensor<8x!mpc.arith<28>>
  // CHECK-NEXT: %[[Y:.*]] = mpc.shift_left %{{.*}} {shift = 13 : i64} : (tensor<8x!mpc.arith<15>>) -> tensor<8x!mpc.arith<28>>
  // CHECK-NEXT: %[[SUM:.*]] = mpc.add %[[A]], %[[Y]] : tensor<8x!mpc.arith<28>>
  // CHECK-NEXT: mpc.truncate_relu %[[SUM]] {{.*}} : (tensor<8x!mpc.arith<28>>) -> tensor<8x!mpc.arith<15>>
  %t4 = mpc.truncate_reduce %e {shift = 13 : i64, rounding = #fx.rounding<nearest>} : (tensor<8x!mpc.arith<32>>) -> tensor<8x!mpc.arith<19>>
  %n4 = mpc.narrow %t4 : (tensor<8x!mpc.arith<19>>) -> tensor<8x!mpc.arith<15>>
  %s4 = mpc.add %r2, %n4 : tensor<8x!mpc.arith<15>>
  %r4 = mpc.relu %s4 : (tensor<8x!mpc.arith<15>>) -> tensor<8x!mpc.arith<15>>

  // What a truncated value is taken from is not: rounding is no odd function.
  // CHECK: mpc.truncate_reduce
  // CHECK: mpc.sub
  // CHECK: mpc.relu
  %t5 = mpc.truncate_reduce %e {shift = 17 : i64, rounding = #fx.rounding<nearest>} : (tensor<8x!mpc.arith<32>>) -> tensor<8x!mpc.arith<15>>
  %s5 = mpc.sub %r4, %t5 : tensor<8x!mpc.arith<15>>
  %r5 = mpc.relu %s5 : (tensor<8x!mpc.arith<15>>) -> tensor<8x!mpc.arith<15>>

  // CHECK: mpc.concat
  %c = mpc.narrow %k : (tensor<8x!mpc.arith<20>>) -> tensor<8x!mpc.arith<15>>
  %d = mpc.narrow %a3 : (tensor<8x!mpc.arith<19>>) -> tensor<8x!mpc.arith<15>>
  %y = mpc.concat %r5, %c, %d {axis = 0 : i64} : (tensor<8x!mpc.arith<15>>, tensor<8x!mpc.arith<15>>, tensor<8x!mpc.arith<15>>) -> tensor<24x!mpc.arith<15>>
  %o = mpc.reveal %y : (tensor<24x!mpc.arith<15>>) -> tensor<24x!fx.fixed<s15, 8, client>>
  fx.output "y" %o : tensor<24x!fx.fixed<s15, 8, client>>
  return
}
}
