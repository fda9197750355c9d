// RUN: echo '{"inputs": {"x": {"scale": 4, "bitwidth": 8}}, "nodes": {"dense": {"weight_scale": 3, "scale": 2, "bitwidth": 10}}}' > %t.json
// RUN: dyad-opt %s --nn-to-fx="config=%t.json activation-bits=10 weight-bits=6 emit-config=%t.out.json" | FileCheck %s
// RUN: FileCheck %s --check-prefix=EMIT --input-file %t.out.json
// What was written is read again, and says everything: choices of bits have no effect any more.
// RUN: dyad-opt %s --nn-to-fx="config=%t.out.json activation-bits=20 weight-bits=12" | FileCheck %s
// RUN: echo '{"nodes": {"dense": {"scales": 3, "bitwidth": 99}, "denes": {"scale": 3}, "act": {"weight_scale": 3}}, "input": {}}' > %t.bad.json
// RUN: not dyad-opt %s --nn-to-fx="config=%t.bad.json" 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: echo '{"inputs": {"x": {"low": -1, "high": 1}}, "nodes": {"dense": {"weight_scale": 3, "weight_bitwidth": 2}, "act": {"weight_scale": 3}}}' > %t.narrow.json
// RUN: not dyad-opt %s --nn-to-fx="config=%t.narrow.json activation-bits=10 weight-bits=6" 2>&1 | FileCheck %s --check-prefix=NARROW

// BAD-DAG: node 'dense': unknown key 'scales'
// BAD-DAG: node 'dense': 'bitwidth' must be an integer of 2 to 64
// BAD-DAG: unknown section 'input'
// BAD-DAG: the model has no node 'denes'
// NARROW: weights at 3 fraction bits need 5 bits, not 2; set weight_bitwidth

// EMIT: "x": {
// EMIT-NEXT: "scale": 4,
// EMIT-NEXT: "bitwidth": 8,
// EMIT: "dense": {
// EMIT-NEXT: "scale": 2,
// EMIT-NEXT: "bitwidth": 10,
// EMIT-NEXT: "accumulator_bitwidth": 15,
// EMIT-NEXT: "weight_scale": 3,
// EMIT-NEXT: "weight_bitwidth": 7

// The weight's width follows from its scale, not from its values.
// CHECK: fx.weight @w : tensor<2x1x!fx.fixed<s7, 3, server>>
nn.weight @w : tensor<2x1xf32> = dense<[[1.0], [-2.0]]> : tensor<2x1xf32>
// CHECK-LABEL: func.func @main
func.func @main() {
  // A width without a range: all that the type holds.
  // CHECK: fx.input "x" range -8.000000e+00 to 7.937500e+00 <declared> : tensor<1x2x!fx.fixed<s8, 4, client>>
  %x = nn.input "x" owner "client" : tensor<1x2xf32>
  %w = nn.constant @w : tensor<2x1xf32>
  // Wide enough for 10 bits after losing five.
  // CHECK: fx.matmul {{.*}} -> tensor<1x1x!fx.fixed<s15, 7, shared>>
  %0 = nn.matmul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32> loc("dense")
  // CHECK: fx.requantize {{.*}} -> tensor<1x1x!fx.fixed<s10, 2, shared>>
  %1 = nn.relu %0 : tensor<1x1xf32> loc("act")
  nn.output "y" %1 to "client" : tensor<1x1xf32>
  return
}
