// RUN: dyad-opt %s --nn-to-fx="activation-bits=12 weight-bits=6" | FileCheck %s

// A sum in a quantised model is rounded once: the product keeps its 7 fraction bits, and the factor of what goes around is as fine.
// Weights of a kernel keep its sum: four times 0.3 is 153.6 / 128, and four times 38 would be 152.
// CHECK-DAG: fx.weight @w : tensor<1x1x2x2x!fx.fixed<s7, 7, server>> = dense<{{\[\[\[\[}}38, 38], [39, 39]]]]>
// CHECK-DAG: fx.weight @f : tensor<!fx.fixed<s9, 7, public>> = dense<192>
nn.weight @w : tensor<1x1x2x2xf32> = dense<0.3> : tensor<1x1x2x2xf32>
nn.weight @f : tensor<f32> = dense<1.5> : tensor<f32> {is_public}
func.func @main() {
  %x = nn.input "x" owner "client" range -100.0 to 100.0 : tensor<1x1x2x2xf32>
  // CHECK: %[[Q:.*]] = fx.requantize {{.*}} -> tensor<1x1x2x2x!fx.fixed<s8, 0, client>>
  %q = nn.round %x : tensor<1x1x2x2xf32>
  %w = nn.constant @w : tensor<1x1x2x2xf32>
  // CHECK: %[[C:.*]] = fx.conv2d %[[Q]]{{.*}}, 7, shared>>
  %c = nn.conv2d %q, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32>
  %cf = nn.constant @f : tensor<f32>
  %f = nn.broadcast %cf : (tensor<f32>) -> tensor<1x1x2x2xf32>
  // CHECK: %[[G:.*]] = fx.mul %[[Q]]
  %g = nn.mul %q, %f : tensor<1x1x2x2xf32>
  %s = nn.add %c, %g : tensor<1x1x2x2xf32>
  // CHECK-NEXT: %[[S:.*]] = fx.add %[[C]], %[[G]]
  // CHECK-NEXT: fx.requantize %[[S]] {{.*}}, 0, shared>>
  %y = nn.round %s : tensor<1x1x2x2xf32>
  nn.output "y" %y to "client" : tensor<1x1x2x2xf32>
  return
}
