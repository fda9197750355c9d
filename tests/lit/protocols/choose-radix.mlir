// RUN: dyad-opt --choose-radix %s | FileCheck %s
// RUN: echo '{"nodes": {"few": {"radix": 0}, "many": {"radix": 2}}}' > %t.json
// RUN: dyad-opt --choose-radix=config=%t.json %s | FileCheck %s --check-prefix=FIXED
// RUN: echo '{"nodes": {"few": {"radix": 9}, "many": {"radix": "two"}}}' > %t.json
// RUN: not dyad-opt --choose-radix=config=%t.json %s 2>&1 | FileCheck %s --check-prefix=WRONG
// Few elements on a WAN save flows; many save bits, which is the default and not printed.
// WRONG-DAG: node 'few': 'radix' must be an integer of 0 to 5
// WRONG-DAG: node 'many': 'radix' must be an integer of 0 to 5

module attributes {mpc.link = "wan"} {
func.func @main() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<4x!fx.fixed<s32, 24, client>>
  %s = mpc.share %x : (tensor<4x!fx.fixed<s32, 24, client>>) -> tensor<4x!mpc.arith<32>>
  // CHECK: mpc.relu %{{.*}} {radix = {{[12]}} : i64}
  // FIXED: mpc.relu %{{[0-9]+}} :
  %r = mpc.relu %s : (tensor<4x!mpc.arith<32>>) -> tensor<4x!mpc.arith<32>> loc("few")
  %o = mpc.reveal %r : (tensor<4x!mpc.arith<32>>) -> tensor<4x!fx.fixed<s32, 12, client>>
  fx.output "y" %o : tensor<4x!fx.fixed<s32, 12, client>>

  %x2 = fx.input "x2" range -1.0 to 1.0 <declared> : tensor<4000000x!fx.fixed<s32, 24, client>>
  %s2 = mpc.share %x2 : (tensor<4000000x!fx.fixed<s32, 24, client>>) -> tensor<4000000x!mpc.arith<32>>
  // CHECK: mpc.relu %{{[0-9]+}} :
  // FIXED: mpc.relu %{{.*}} {radix = 2 : i64}
  %r2 = mpc.relu %s2 : (tensor<4000000x!mpc.arith<32>>) -> tensor<4000000x!mpc.arith<32>> loc("many")
  %o2 = mpc.reveal %r2 : (tensor<4000000x!mpc.arith<32>>) -> tensor<4000000x!fx.fixed<s32, 12, client>>
  fx.output "y2" %o2 : tensor<4000000x!fx.fixed<s32, 12, client>>
  return
}
}
