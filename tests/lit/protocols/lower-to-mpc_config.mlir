// RUN: echo '{"nodes": {"fc": {"protocol": "he"}}}' > %t.json
// RUN: dyad-opt --lower-to-mpc=config=%t.json %s | FileCheck %s
// RUN: echo '{"nodes": {"out": {"protocol": "he"}}}' > %t.json
// RUN: not dyad-opt --lower-to-mpc=config=%t.json %s 2>&1 | FileCheck %s --check-prefix=UNUSED
// RUN: echo '{"nodes": {"fc": {"protocol": "fhe"}}}' > %t.json
// RUN: not dyad-opt --lower-to-mpc=config=%t.json %s 2>&1 | FileCheck %s --check-prefix=WRONG
// RUN: not dyad-opt --lower-to-mpc="ot=loud" %s 2>&1 | FileCheck %s --check-prefix=OT
// RUN: not dyad-opt --lower-to-mpc="network=dsl" %s 2>&1 | FileCheck %s --check-prefix=LINK
// RUN: dyad-opt --lower-to-mpc="ot=silent network=100Mbit,20ms" %s | FileCheck %s --check-prefix=TARGET
// UNUSED: node 'out' has no use for 'protocol': it is no product with the server's weights
// WRONG: node 'fc': 'protocol' must be "ot" or "he"
// OT: ot=loud should be auto, softspoken or silent
// LINK: 'dsl' should be lan, wan, or a bandwidth and a round-trip time
// TARGET: module attributes {mpc.link = "100Mbit,20ms", mpc.ot = "silent"}

fx.weight @small : tensor<6x2x!fx.fixed<s3, 2, server>>

func.func @main() {
  %x = fx.input "x" range -15.0 to 15.0 <declared> : tensor<2x6x!fx.fixed<s9, 4, client>>
  %s = fx.constant @small : tensor<6x2x!fx.fixed<s3, 2, server>>
  // CHECK: mpc.matmul {{.*}}<he>
  %1 = fx.matmul %x, %s : (tensor<2x6x!fx.fixed<s9, 4, client>>, tensor<6x2x!fx.fixed<s3, 2, server>>) -> tensor<2x2x!fx.fixed<s16, 6, shared>> loc("fc")
  %r1 = fx.reveal %1 : (tensor<2x2x!fx.fixed<s16, 6, shared>>) -> tensor<2x2x!fx.fixed<s16, 6, client>> loc("out")
  fx.output "small" %r1 : tensor<2x2x!fx.fixed<s16, 6, client>>
  return
}
