// RUN: dyad-opt --lower-to-mpc %s | FileCheck %s --check-prefix=USUAL
// RUN: echo '{"version": 1, "machine": "slow at RLWE", "picoseconds": {"he_product": 900000, "he_input": 90000000, "he_output": 90000000}}' > %t.json
// RUN: dyad-opt --lower-to-mpc="machine=%t.json" %s | FileCheck %s --check-prefix=SLOW
// What the machine computes slowly is not chosen; and the constants travel with the module.
// USUAL-NOT: mpc.machine
// SLOW: module attributes {mpc.machine = {he_input = 90000000 : i64, he_output = 90000000 : i64, he_product = 900000 : i64}}

// The link decides the same way.
// RUN: dyad-opt --lower-to-mpc="network=1000Gbit,0s machine=%t.json" %s | FileCheck %s --check-prefix=SLOW-OP
// RUN: dyad-opt --lower-to-mpc="network=100kbit,0s machine=%t.json" %s | FileCheck %s --check-prefix=THIN
// SLOW-OP: mpc.conv2d {{.*}}ot_

// RUN: echo '{"version": 1, "picoseconds": {"he_products": 1}}' > %t.json
// RUN: not dyad-opt --lower-to-mpc="machine=%t.json" %s 2>&1 | FileCheck %s --check-prefix=KEY
// KEY: machine profile '{{.*}}.json': 'picoseconds.he_products' is no key of a machine profile
// RUN: echo '{"version": 1, "picoseconds": {"byte": -1}}' > %t.json
// RUN: not dyad-opt --lower-to-mpc="machine=%t.json" %s 2>&1 | FileCheck %s --check-prefix=RANGE
// RANGE: 'picoseconds.byte' should be a whole number of 0 to
// RUN: echo '{"picoseconds": {}}' > %t.json
// RUN: not dyad-opt --merge-factors="machine=%t.json" %s 2>&1 | FileCheck %s --check-prefix=VERSION
// VERSION: should have "version": 1
// RUN: not dyad-opt --lower-to-mpc="machine=%t.none" %s 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: cannot be read

fx.weight @large : tensor<64x64x3x3x!fx.fixed<s12, 8, server>>

func.func @main() {
  %y = fx.input "y" range -15.0 to 15.0 <declared> : tensor<1x64x28x28x!fx.fixed<s9, 4, client>>
  %l = fx.constant @large : tensor<64x64x3x3x!fx.fixed<s12, 8, server>>
  // USUAL: mpc.conv2d {{.*}}<he>
  // THIN: mpc.conv2d {{.*}}<he>
  // SLOW: mpc.conv2d {{.*}}ot_
  %2 = fx.conv2d %y, %l {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x28x28x!fx.fixed<s9, 4, client>>, tensor<64x64x3x3x!fx.fixed<s12, 8, server>>) -> tensor<1x64x28x28x!fx.fixed<s31, 12, shared>>
  %r2 = fx.reveal %2 : (tensor<1x64x28x28x!fx.fixed<s31, 12, shared>>) -> tensor<1x64x28x28x!fx.fixed<s31, 12, client>>
  fx.output "large" %r2 : tensor<1x64x28x28x!fx.fixed<s31, 12, client>>
  return
}
