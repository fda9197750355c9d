// RUN: dyad-opt --print-reference %s -o %t | FileCheck %s
// The cleartext program checks every type and every assumption; owners mean nothing to it.

!c = !fx.fixed<s9, 4, client>
!s = !fx.fixed<s16, 8, shared>
fx.weight @w : tensor<4x2x!fx.fixed<s8, 4, server>>
// CHECK: #include "runtime/party/reference.h"
// CHECK: ReferenceTensors reference(ReferenceRun &run, const ReferenceValues &weights,
func.func @main() {
  // CHECK: const ReferenceTensor &x_input = inputs["x"];
  // CHECK-NEXT: clear::check("x", "fx.input", x_input, {.bits = 9, .isSigned = true});
  %x = fx.input "x" range -8.0 to 8.0 <declared> : tensor<1x4x!c> loc("x")
  %w = fx.constant @w : tensor<4x2x!fx.fixed<s8, 4, server>>
  // CHECK: // /fc/MatMul
  // CHECK-NEXT: run.beginNode("/fc/MatMul", "fx.matmul");
  // CHECK-NEXT: ReferenceTensor fc_MatMul_product =
  // CHECK-NEXT: clear::checked("/fc/MatMul", "fx.matmul", {.bits = 16, .isSigned = true},
  // CHECK-NEXT: [&] { return clear::matmul(x_input, weights["w"]); });
  %m = fx.matmul %x, %w : (tensor<1x4x!c>, tensor<4x2x!fx.fixed<s8, 4, server>>) -> tensor<1x2x!s> loc("/fc/MatMul")
  // CHECK-NEXT: clear::assume("/fc/MatMul", fc_MatMul_product, -300, 300, "calibrated");
  %a = fx.assume %m in -300 to 300 <calibrated> : tensor<1x2x!s> loc("/fc/MatMul")
  // CHECK-NEXT: clear::check("narrow", "fx.resize", fc_MatMul_product, {.bits = 10, .isSigned = true});
  %n = fx.resize %a : (tensor<1x2x!s>) -> tensor<1x2x!fx.fixed<s10, 8, shared>> loc("narrow")
  // CHECK: clear::truncate(fc_MatMul_product, 4, Rounding::kNearest)
  %t = fx.truncate %n {shift = 4 : i64, rounding = #fx.rounding<nearest>} : (tensor<1x2x!fx.fixed<s10, 8, shared>>) -> tensor<1x2x!fx.fixed<s7, 4, shared>> loc("y")
  %r = fx.reveal %t : (tensor<1x2x!fx.fixed<s7, 4, shared>>) -> tensor<1x2x!fx.fixed<s7, 4, client>> loc("y")
  fx.output "y" %r : tensor<1x2x!fx.fixed<s7, 4, client>>
  // CHECK: ReferenceTensors outputs{y_truncated};
  // CHECK-NEXT: return outputs;
  return
}
