// Comparisons with zero: from floats to bits of shares, and to products that bits choose rows for.
// RUN: dyad-opt %s --nn-to-fx="activation-bits=10 weight-bits=8" | FileCheck %s --check-prefix=FX
// RUN: dyad-opt %s --nn-to-fx="activation-bits=10 weight-bits=8" --infer-ownership --insert-truncations --lower-to-mpc | FileCheck %s

nn.weight @choice : tensor<2x3xf32> = dense<[[0.0, 1.0, 0.0], [1.0, 0.0, -1.0]]> : tensor<2x3xf32>
nn.weight @limits : tensor<1x3xf32> = dense<[[0.5, 0.25, -1.0]]> : tensor<1x3xf32>
nn.weight @leaves : tensor<3x2xf32> = dense<[[0.5, 0.25], [1.0, 2.0], [-1.0, 0.75]]> : tensor<3x2xf32>

func.func @main() {
  %x = nn.input "x" owner "client" range -2.0 to 1.9 : tensor<1x2xf32>
  %choice = nn.constant @choice : tensor<2x3xf32>
  // A matrix of -1, 0 and 1 has no fraction bits; a step takes the sum as it is.
  // FX: fx.constant @choice : tensor<2x3x!fx.fixed<s2, 0, server>>
  // FX: fx.matmul {{.*}} -> tensor<1x3x!fx.fixed<s11, 8, shared>>
  %chosen = nn.matmul %x, %choice : (tensor<1x2xf32>, tensor<2x3xf32>) -> tensor<1x3xf32>
  %limits = nn.constant @limits : tensor<1x3xf32>
  // FX: fx.sub {{.*}} : {{.*}}fx.fixed<s11, 8, shared>>
  %gap = nn.sub %limits, %chosen : tensor<1x3xf32>
  // FX: fx.step %{{.*}} : (tensor<1x3x!fx.fixed<s11, 8, shared>>) -> tensor<1x3x!fx.fixed<s2, 0, shared>>
  // CHECK: %[[SIGN:.*]] = mpc.msb {{.*}}arith<11>>
  // CHECK: mpc.matmul_bit %[[SIGN]], %{{.*}} {where_zero} : (tensor<1x3x!mpc.bool>, tensor<3x2x!fx.fixed<s9, {{.*}}, server>>)
  %bits = nn.step %gap : tensor<1x3xf32>
  %leaves = nn.constant @leaves : tensor<3x2xf32>
  %sum = nn.matmul %bits, %leaves : (tensor<1x3xf32>, tensor<3x2xf32>) -> tensor<1x2xf32>
  nn.output "y" %sum to "client" : tensor<1x2xf32>
  // Above zero is where the negation is negative.
  // FX: fx.step %{{.*}} {strict}
  // CHECK: mpc.neg
  // CHECK: %[[ABOVE:.*]] = mpc.msb
  // CHECK: mpc.bit_to_arith %[[ABOVE]] : (tensor<1x3x!mpc.bool>) -> tensor<1x3x!mpc.arith<2>>
  %above = nn.step %gap {strict} : tensor<1x3xf32>
  nn.output "above" %above to "client" : tensor<1x3xf32>
  // What an index stands for stays with the output.
  // FX: fx.output "label" %{{.*}} {integer, labels = array<i64: 7, -3, 40>}
  %index = nn.arg_max %gap {axis = 1 : i64} : (tensor<1x3xf32>) -> tensor<1x1xi64>
  nn.output "label" %index to "client" {labels = array<i64: 7, -3, 40>} : tensor<1x1xi64>
  return
}
