// RUN: dyad-opt --print-program %s -o %t | FileCheck %s
// RUN: dyad-opt --print-program %s -o %t | FileCheck %s --check-prefix=PRIVATE
// One call for each operation, with the ONNX node's name; the last use of a value moves it.
// PRIVATE: step(Session
// PRIVATE-NOT: 113
// PRIVATE-NOT: 97

!a = !mpc.arith<16>
fx.weight @"fc.weight" : tensor<4x2x!fx.fixed<s8, 4, server>> = dense<[[113, 97], [113, 97], [113, 97], [113, 97]]> : tensor<4x2xi8>
fx.weight @slope : tensor<1x2x!fx.fixed<s5, 3, public>> = dense<[[3, -2]]> : tensor<1x2xi8>
// CHECK: #include "runtime/party/program.h"
// CHECK: constexpr InputInfo kInputs[] = {
// CHECK-NEXT: {.name = "x", .shape = {4, 1}, .owner = Owner::kClient, .bits = 9, .isSigned = true,
// CHECK-NEXT: .fraction = 4, .low = -8.0, .high = 8.0},
// CHECK: constexpr WeightInfo kWeights[] = {
// CHECK-NEXT: {.name = "fc.weight", .shape = {4, 2}, .bits = 8, .isSigned = true, .storageBits = 8,
// CHECK-NEXT: .owner = Owner::kServer},
// CHECK-NEXT: {.name = "slope", .shape = {1, 2}, .bits = 5, .isSigned = true, .storageBits = 0,
// CHECK-NEXT: .owner = Owner::kPublic},
// CHECK-NEXT: };
// CHECK-NOT: 113
// CHECK: constexpr NodeInfo kNodes[] = {
// CHECK-NEXT: {"/fc/MatMul", "matmul"},
// CHECK-NEXT: {"/a + /b", "relu + truncate_reduce"},
// CHECK: .hash = "{{[0-9a-f]+}}",
// CHECK: .serverCots = {{[1-9][0-9]*}},
// CHECK: Task<Outputs> step(Session &session, const Weights &weights, const Inputs &inputs,
// CHECK-NEXT: States &states) {
func.func @main() {
  %x = fx.input "x" range -8.0 to 8.0 <declared> : tensor<4x1x!fx.fixed<s9, 4, client>> loc("x")
  // The client transposes its input alone.
  // CHECK: // /Transpose
  // CHECK-NEXT: Plain Transpose_transposed = known(session, Owner::kClient, {1, 4},
  // CHECK-NEXT: [&] { return clear::checked("/Transpose", "fx.transpose", {.bits = 9, .isSigned = true},
  // CHECK-NEXT: [&] { return clear::transpose(tensorOf(inputs["x"]), {1, 0}); }); });
  %t = fx.transpose %x {permutation = array<i64: 1, 0>} : (tensor<4x1x!fx.fixed<s9, 4, client>>) -> tensor<1x4x!fx.fixed<s9, 4, client>> loc("/Transpose")
  %w = fx.constant @"fc.weight" : tensor<4x2x!fx.fixed<s8, 4, server>>
  %s = mpc.share %t : (tensor<1x4x!fx.fixed<s9, 4, client>>) -> tensor<1x4x!a> loc("/fc/MatMul")
  // CHECK: // /fc/MatMul
  // CHECK-NEXT: Share fc_MatMul_shared = share(session, Transpose_transposed, 16);
  // CHECK-NEXT: session.beginNode("/fc/MatMul", "matmul");
  // CHECK-NEXT: Share fc_MatMul_product = co_await matmul(session, std::move(fc_MatMul_shared),
  // CHECK-NEXT: weights["fc.weight"], {.bits = 8, .isSigned = true}, LinearProtocol::kOtClientChooses,
  // CHECK-NEXT: {.bits = 9, .isSigned = true});
  // CHECK-NEXT: session.endNode();
  %m = mpc.matmul %s, %w {protocol = #mpc.linear<ot_client_chooses>} : (tensor<1x4x!a>, tensor<4x2x!fx.fixed<s8, 4, server>>) -> tensor<1x2x!a> loc("/fc/MatMul")
  // Two uses in one statement: neither moves.
  // CHECK: auto [a_relu, b_truncated] = co_await whenAll(relu(session, fc_MatMul_product),
  // CHECK-NEXT: truncateReduce(session, fc_MatMul_product, 6, Rounding::kFloor));
  %p:2 = mpc.parallel : tensor<1x2x!a>, tensor<1x2x!mpc.arith<10>> {
    %1 = mpc.relu %m : (tensor<1x2x!a>) -> tensor<1x2x!a> loc("/a")
    %2 = mpc.truncate_reduce %m {shift = 6 : i64, rounding = #fx.rounding<floor>} : (tensor<1x2x!a>) -> tensor<1x2x!mpc.arith<10>> loc("/b")
    mpc.yield %1, %2 : tensor<1x2x!a>, tensor<1x2x!mpc.arith<10>>
  }
  // CHECK: Share n_narrow = narrow(std::move(a_relu), 10);
  %n = mpc.narrow %p#0 : (tensor<1x2x!a>) -> tensor<1x2x!mpc.arith<10>> loc("n")
  // CHECK: add(std::move(n_narrow), b_truncated);
  %y = mpc.add %n, %p#1 : tensor<1x2x!mpc.arith<10>> loc("\22; //\\")
  // CHECK: const Plain slope_public = {{[{][{]}}1, 2}, Owner::kPublic, {3, -2}};
  %k = fx.constant @slope : tensor<1x2x!fx.fixed<s5, 3, public>>
  // CHECK: mulPublic({{.*}}, slope_public);
  %z = mpc.mul_public %y, %k : (tensor<1x2x!mpc.arith<10>>, tensor<1x2x!fx.fixed<s5, 3, public>>) -> tensor<1x2x!mpc.arith<10>> loc("k")
  // CHECK: Plain y_revealed = co_await reveal(session, std::move(k_product), Owner::kClient);
  %r = mpc.reveal %z : (tensor<1x2x!mpc.arith<10>>) -> tensor<1x2x!fx.fixed<s10, 1, client>> loc("y")
  fx.output "y" %r : tensor<1x2x!fx.fixed<s10, 1, client>>
  // CHECK: outputs.push_back(std::move(y_revealed));
  // CHECK-NEXT: co_return outputs;
  return
}
