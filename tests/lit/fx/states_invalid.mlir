// What the verifiers of states refuse, in all three dialects.
// RUN: dyad-opt %s --split-input-file --verify-diagnostics

func.func @unknown() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<2x!fx.fixed<s8, 4, client>>
  // expected-error @+1 {{sets 's', which is no state}}
  fx.set_state "s" %x : tensor<2x!fx.fixed<s8, 4, client>>
  return
}

// -----
func.func @twice() {
  %s = fx.state "s" : tensor<2x!fx.fixed<s8, 4, shared>>
  fx.set_state "s" %s : tensor<2x!fx.fixed<s8, 4, shared>>
  // expected-error @+1 {{sets 's' a second time}}
  fx.set_state "s" %s : tensor<2x!fx.fixed<s8, 4, shared>>
  return
}

// -----
func.func @width() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<2x!fx.fixed<s9, 4, client>>
  %s = fx.state "s" : tensor<2x!fx.fixed<s8, 4, shared>>
  // expected-error @+1 {{value has another type than the state 's'}}
  fx.set_state "s" %x : tensor<2x!fx.fixed<s9, 4, client>>
  return
}

// -----
func.func @owner() {
  // expected-error @+1 {{is kept as shares; its owner is 'shared'}}
  %s = fx.state "s" : tensor<2x!fx.fixed<s8, 4, server>>
  return
}

// -----
func.func @initial() {
  // expected-error @+1 {{initial value 128 does not fit the type}}
  %s = fx.state "s" initial dense<[1, 128]> : tensor<2xi64> : tensor<2x!fx.fixed<s8, 4, shared>>
  return
}

// -----
func.func @ranges() {
  // expected-error @+1 {{range needs low, high and what it stands on}}
  %s = "nn.state"() {name = "s", low = 0.0 : f64, high = 1.0 : f64} : () -> tensor<2xf32>
  return
}

// -----
func.func @rings(%x: tensor<2x!mpc.arith<8>>) {
  %s = mpc.state "s" : tensor<2x!mpc.arith<9>>
  // expected-error @+1 {{value has another type than the state 's'}}
  mpc.set_state "s" %x : tensor<2x!mpc.arith<8>>
  return
}
