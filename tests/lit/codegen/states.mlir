// RUN: dyad-opt --print-reference %s -o %t | FileCheck %s --check-prefix=REFERENCE
// RUN: dyad-opt --lower-to-mpc --print-program %s -o %t | FileCheck %s
// Two states that change places: both are read before either is set.

!s = tensor<2x!fx.fixed<s8, 4, shared>>
// CHECK: constexpr std::int64_t kInitial1[] = {1, -2};
// CHECK: constexpr StateInfo kStates[] = {
// CHECK-NEXT: {.name = "a", .shape = {2}, .bits = 8},
// CHECK-NEXT: {.name = "b", .shape = {2}, .bits = 8, .initial = kInitial1},
// CHECK: .states = kStates,
func.func @main() {
  %a = fx.state "a" : !s loc("a")
  %b = fx.state "b" initial dense<[1, -2]> : tensor<2xi64> : !s loc("b")
  // REFERENCE: const ReferenceTensor &a_state = states["a"];
  // REFERENCE-NEXT: const ReferenceTensor &b_state = states["b"];
  // REFERENCE: ReferenceTensors outputs{a_state};
  // REFERENCE-NEXT: ReferenceTensor a_next = b_state;
  // REFERENCE-NEXT: ReferenceTensor b_next = a_state;
  // REFERENCE-NEXT: states.set("a", std::move(a_next));
  // REFERENCE-NEXT: states.set("b", std::move(b_next));
  // CHECK: Plain y_revealed = co_await reveal(session, states["a"], Owner::kClient);
  // CHECK: outputs.push_back(std::move(y_revealed));
  // CHECK-NEXT: Share a_next = states["b"];
  // CHECK-NEXT: Share b_next = states["a"];
  // CHECK-NEXT: states.set("a", std::move(a_next));
  // CHECK-NEXT: states.set("b", std::move(b_next));
  %r = fx.reveal %a : (!s) -> tensor<2x!fx.fixed<s8, 4, client>> loc("y")
  fx.output "y" %r : tensor<2x!fx.fixed<s8, 4, client>> loc("y")
  fx.set_state "a" %b : !s loc("a")
  fx.set_state "b" %a : !s loc("b")
  return
}
