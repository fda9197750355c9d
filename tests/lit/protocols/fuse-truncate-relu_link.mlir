// RUN: dyad-opt --fuse-truncate-relu %s | FileCheck %s
// RUN: echo '{"nodes": {"act": {"fused": true}}}' > %t.json
// RUN: dyad-opt --fuse-truncate-relu=config=%t.json %s | FileCheck %s --check-prefix=FORCED
// RUN: echo '{"nodes": {"out": {"fused": true}}}' > %t.json
// RUN: not dyad-opt --fuse-truncate-relu=config=%t.json %s 2>&1 | FileCheck %s --check-prefix=UNUSED
// RUN: echo '{"nodes": {"act": {"fused": 1}}}' > %t.json
// RUN: not dyad-opt --fuse-truncate-relu=config=%t.json %s 2>&1 | FileCheck %s --check-prefix=WRONG
// On a LAN many elements are cheaper in fewer bits; a configuration has the last word.
// UNUSED: node 'out' has no use for 'fused'
// WRONG: node 'act': 'fused' must be true or false

func.func @main() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1000000x!fx.fixed<s32, 24, client>>
  %s = mpc.share %x : (tensor<1000000x!fx.fixed<s32, 24, client>>) -> tensor<1000000x!mpc.arith<32>>
  // CHECK: mpc.truncate_reduce
  // CHECK: mpc.relu
  // FORCED: mpc.truncate_relu
  // FORCED-NOT: mpc.relu
  %t = mpc.truncate_reduce %s {shift = 12 : i64, rounding = #fx.rounding<nearest>} : (tensor<1000000x!mpc.arith<32>>) -> tensor<1000000x!mpc.arith<20>> loc("conv")
  %r = mpc.relu %t : (tensor<1000000x!mpc.arith<20>>) -> tensor<1000000x!mpc.arith<20>> loc("act")
  %o = mpc.reveal %r : (tensor<1000000x!mpc.arith<20>>) -> tensor<1000000x!fx.fixed<s20, 12, client>> loc("out")
  fx.output "y" %o : tensor<1000000x!fx.fixed<s20, 12, client>>
  return
}
