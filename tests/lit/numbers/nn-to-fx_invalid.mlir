// RUN: dyad-opt %s --split-input-file --verify-diagnostics --nn-to-fx="bitwidth=8 scale=4 weight-scale=4"

// Everything that cannot be converted is reported in one run; what only depends on it is not.
func.func @all_in_one_go() {
  %x = nn.input "x" owner "client" range -1.0 to 1.0 : tensor<1x2xf32>
  // expected-error @below {{log of a value in [-1, 1], which includes numbers that it has no value for}}
  %0 = nn.function #nn.function<log> %x : tensor<1x2xf32>
  %1 = nn.relu %0 : tensor<1x2xf32>
  // expected-error @below {{quotients by a value in [-1, 1], which includes zero}}
  %2 = nn.div %x, %x : tensor<1x2xf32>
  nn.output "y" %1 to "client" : tensor<1x2xf32>
  nn.output "z" %2 to "client" : tensor<1x2xf32>
  return
}

// -----
func.func @input_does_not_fit() {
  // expected-error @below {{input 'x' in [-100, 100] needs 12 bits at 4 fraction bits, not 8}}
  %x = nn.input "x" owner "client" range -100.0 to 100.0 : tensor<2xf32>
  nn.output "y" %x to "client" : tensor<2xf32>
  return
}

// -----
func.func @no_range() {
  // expected-error @below {{input 'x' has no range; declare it with --input-range, or run calibrate-ranges}}
  %x = nn.input "x" owner "client" : tensor<2xf32>
  nn.output "y" %x to "client" : tensor<2xf32>
  return
}

// -----
nn.weight @b : tensor<2xf32> = dense<[100.0, 0.0]> : tensor<2xf32>
func.func @constant_does_not_fit() {
  %x = nn.input "x" owner "client" range -1.0 to 1.0 : tensor<2xf32>
  %b = nn.constant @b : tensor<2xf32>
  // expected-error @below {{adds constants, and needs 12 bits at 4 fraction bits, not 8}}
  %0 = nn.add %x, %b : tensor<2xf32>
  nn.output "y" %0 to "client" : tensor<2xf32>
  return
}

// -----
nn.weight @w : tensor<2x2xf32> = dense<[[1.0e-9, 0.0], [0.0, -1.0e-9]]> : tensor<2x2xf32>
func.func @weights_vanish() {
  %x = nn.input "x" owner "client" range -0.5 to 0.5 : tensor<1x2xf32>
  %w = nn.constant @w : tensor<2x2xf32>
  // expected-warning @below {{all its weights round to zero at 4 fraction bits: the largest is 1e-09}}
  %0 = nn.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  nn.output "y" %0 to "client" : tensor<1x2xf32>
  return
}

// -----
func.func @padding_vanishes() {
  %x = nn.input "x" owner "client" range -0.5 to 0.5 : tensor<2xf32>
  // expected-error @below {{padding with -1e+30 at 4 fraction bits needs more than 8 bits}}
  %0 = nn.pad %x {low = array<i64: 1>, high = array<i64: 0>, interior = array<i64: 0>, value = -1.0e30 : f64} : (tensor<2xf32>) -> tensor<3xf32>
  nn.output "y" %0 to "client" : tensor<3xf32>
  return
}
