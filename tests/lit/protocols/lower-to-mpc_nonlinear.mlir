// RUN: dyad-opt --lower-to-mpc %s | FileCheck %s
// Comparisons happen in a ring that holds every difference that is compared.

!s = !fx.fixed<s10, 4, shared>
fx.weight @off : tensor<2x6x!fx.fixed<s6, 4, server>>
fx.weight @slope : tensor<2x6x!fx.fixed<s5, 3, public>> = dense<1> : tensor<2x6xi8>
fx.weight @private : tensor<2x6x!fx.fixed<s4, 3, server>>

func.func @main() {
  %x = fx.input "x" range -15.0 to 15.0 <declared> : tensor<2x6x!fx.fixed<s9, 4, client>>
  %o = fx.constant @off : tensor<2x6x!fx.fixed<s6, 4, server>>
  %k = fx.constant @slope : tensor<2x6x!fx.fixed<s5, 3, public>>
  %q = fx.constant @private : tensor<2x6x!fx.fixed<s4, 3, server>>
  // CHECK: %[[S:.*]] = mpc.add {{.*}} : tensor<2x6x!mpc.arith<10>>
  %s = fx.add %x, %o : (tensor<2x6x!fx.fixed<s9, 4, client>>, tensor<2x6x!fx.fixed<s6, 4, server>>) -> tensor<2x6x!s>
  // CHECK: mpc.sub {{.*}} : tensor<2x6x!mpc.arith<10>>
  %t = fx.sub %o, %x : (tensor<2x6x!fx.fixed<s6, 4, server>>, tensor<2x6x!fx.fixed<s9, 4, client>>) -> tensor<2x6x!s>

  // x - 2x where x is negative.
  // CHECK: %[[BIT:.*]] = mpc.msb %[[S]]
  // CHECK: %[[TWICE:.*]] = mpc.shift_left %[[S]] {shift = 1 : i64}
  // CHECK: mpc.mux %[[BIT]], %[[TWICE]] :
  // CHECK: mpc.sub %[[S]], %{{.*}} : tensor<2x6x!mpc.arith<10>>
  %abs = fx.abs %s : (tensor<2x6x!s>) -> tensor<2x6x!fx.fixed<s10, 4, shared>>
  %r_abs = fx.reveal %abs : (tensor<2x6x!fx.fixed<s10, 4, shared>>) -> tensor<2x6x!fx.fixed<s10, 4, client>>
  fx.output "abs" %r_abs : tensor<2x6x!fx.fixed<s10, 4, client>>
  // Differences of two values within +-272 need 11 bits, the larger of them 10.
  // CHECK: %[[GAP:.*]] = mpc.sub %{{.*}} : tensor<2x6x!mpc.arith<11>>
  // CHECK: mpc.msb %[[GAP]] :
  // CHECK: mpc.mux %{{.*}} {where_zero}
  // CHECK: mpc.add %{{.*}} : tensor<2x6x!mpc.arith<10>>
  %max = fx.max %s, %t : (tensor<2x6x!s>, tensor<2x6x!s>) -> tensor<2x6x!fx.fixed<s10, 4, shared>>
  %r_max = fx.reveal %max : (tensor<2x6x!fx.fixed<s10, 4, shared>>) -> tensor<2x6x!fx.fixed<s10, 4, client>>
  fx.output "max" %r_max : tensor<2x6x!fx.fixed<s10, 4, client>>
  // The smaller one is what the larger one leaves of the sum: no comparison.
  // CHECK-NOT: mpc.msb
  // CHECK: %[[BOTH:.*]] = mpc.add %{{.*}} : tensor<2x6x!mpc.arith<10>>
  // CHECK-NEXT: mpc.sub %[[BOTH]], %{{.*}} : tensor<2x6x!mpc.arith<10>>
  // CHECK-NOT: mpc.msb
  %min = fx.min %s, %t : (tensor<2x6x!s>, tensor<2x6x!s>) -> tensor<2x6x!fx.fixed<s10, 4, shared>>
  %r_min = fx.reveal %min : (tensor<2x6x!fx.fixed<s10, 4, shared>>) -> tensor<2x6x!fx.fixed<s10, 4, client>>
  fx.output "min" %r_min : tensor<2x6x!fx.fixed<s10, 4, client>>
  // CHECK: mpc.clip %[[S]] {high = 77 : i64, low = -20 : i64} : {{.*}}arith<10>>
  %clip = fx.clip %s {low = -20 : i64, high = 77 : i64} : (tensor<2x6x!s>) -> tensor<2x6x!fx.fixed<s8, 4, shared>>
  %r_clip = fx.reveal %clip : (tensor<2x6x!fx.fixed<s8, 4, shared>>) -> tensor<2x6x!fx.fixed<s8, 4, client>>
  fx.output "clip" %r_clip : tensor<2x6x!fx.fixed<s8, 4, client>>
  // CHECK: mpc.reduce_max %{{.*}} {axes = array<i64: 1>} : {{.*}}arith<11>>) -> tensor<2x1x!mpc.arith<11>>
  %reduce_max = fx.reduce_max %s {axes = array<i64: 1>} : (tensor<2x6x!s>) -> tensor<2x1x!fx.fixed<s10, 4, shared>>
  %r_reduce_max = fx.reveal %reduce_max : (tensor<2x1x!fx.fixed<s10, 4, shared>>) -> tensor<2x1x!fx.fixed<s10, 4, client>>
  fx.output "reduce_max" %r_reduce_max : tensor<2x1x!fx.fixed<s10, 4, client>>
  // CHECK: mpc.neg
  // CHECK: mpc.reduce_max
  // CHECK: mpc.neg {{.*}} -> tensor<2x1x!mpc.arith<11>>
  %reduce_min = fx.reduce_min %s {axes = array<i64: 1>} : (tensor<2x6x!s>) -> tensor<2x1x!fx.fixed<s10, 4, shared>>
  %r_reduce_min = fx.reveal %reduce_min : (tensor<2x1x!fx.fixed<s10, 4, shared>>) -> tensor<2x1x!fx.fixed<s10, 4, client>>
  fx.output "reduce_min" %r_reduce_min : tensor<2x1x!fx.fixed<s10, 4, client>>
  // CHECK: mpc.arg_max %{{.*}} {axis = 1 : i64, last} : {{.*}}arith<11>>) -> tensor<2x1x!mpc.arith<3>>
  // CHECK: mpc.reveal {{.*}} -> tensor<2x1x!fx.fixed<u3, 0, client>>
  // CHECK: fx.resize {{.*}}u3, 0, client>>) -> {{.*}}u5, 0, client>>
  %arg_max = fx.arg_max %s {axis = 1 : i64, last} : (tensor<2x6x!s>) -> tensor<2x1x!fx.fixed<u5, 0, shared>>
  %r_arg_max = fx.reveal %arg_max : (tensor<2x1x!fx.fixed<u5, 0, shared>>) -> tensor<2x1x!fx.fixed<u5, 0, client>>
  fx.output "arg_max" %r_arg_max : tensor<2x1x!fx.fixed<u5, 0, client>>
  // -x fits as long as x is not the lowest value: both parts of the ReLU are grown cheaply.
  // CHECK: %[[P:.*]] = mpc.relu %[[S]]
  // CHECK: %[[N:.*]] = mpc.sub %[[P]], %[[S]]
  // CHECK: mpc.mul_public
  %leaky = fx.prelu %s, %k : (tensor<2x6x!s>, tensor<2x6x!fx.fixed<s5, 3, public>>) -> tensor<2x6x!fx.fixed<s15, 7, shared>>
  %r_leaky = fx.reveal %leaky : (tensor<2x6x!fx.fixed<s15, 7, shared>>) -> tensor<2x6x!fx.fixed<s15, 7, client>>
  fx.output "leaky" %r_leaky : tensor<2x6x!fx.fixed<s15, 7, client>>
  // CHECK: mpc.relu
  // CHECK: mpc.mul_private %{{.*}}, %{{.*}} : {{.*}}fixed<s4, 3, server>>
  %prelu = fx.prelu %s, %q : (tensor<2x6x!s>, tensor<2x6x!fx.fixed<s4, 3, server>>) -> tensor<2x6x!fx.fixed<s15, 7, shared>>
  %r_prelu = fx.reveal %prelu : (tensor<2x6x!fx.fixed<s15, 7, shared>>) -> tensor<2x6x!fx.fixed<s15, 7, client>>
  fx.output "prelu" %r_prelu : tensor<2x6x!fx.fixed<s15, 7, client>>
  return
}
