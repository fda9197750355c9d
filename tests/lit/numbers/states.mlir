// RUN: %python %S/Inputs/make_samples.py %t.npy x f4 3x1x2 1 1 1 1 1 1
// RUN: dyad-opt %s --calibrate-ranges="samples=%t.npy headroom=0" | FileCheck %s --check-prefix=RANGE
// RUN: dyad-opt %s --calibrate-ranges="samples=%t.npy headroom=0" --nn-to-fx="scale=4 weight-scale=4" \
// RUN:   | FileCheck %s --check-prefix=FX
// RUN: dyad-opt %s --pass-pipeline="builtin.module(calibrate-ranges{samples=%t.npy headroom=0},nn-to-fx{scale=4 weight-scale=4}, \
// RUN:   infer-ownership,func.func(insert-truncations),lower-to-mpc)" | FileCheck %s --check-prefix=MPC

// RANGE-LABEL: func.func @main
// FX-LABEL: func.func @main
// MPC-LABEL: func.func @main
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<1x2xf32>
  // Three samples, one after the other: 1, 2, 3. Nothing else bounds a sum.
  // RANGE: nn.state "sum" range 0.000000e+00 to 3.000000e+00 "calibrated" : tensor<1x2xf32>
  // FX: %[[SUM:.*]] = fx.state "sum" : tensor<1x2x!fx.fixed<s7, 4, shared>>
  // FX-NEXT: %[[S:.*]] = fx.assume %[[SUM]] in 0 to 63 <calibrated>
  // MPC: mpc.state "sum" : tensor<1x2x!mpc.arith<7>>
  %s = nn.state "sum" : tensor<1x2xf32>
  // Whatever it was, a clipped value is within its bounds.
  // RANGE: nn.state "last" initial dense<5.000000e-01> : tensor<1x2xf32> range 0.000000e+00 to 1.000000e+00 "proved" : tensor<1x2xf32>
  // FX: %[[LAST:.*]] = fx.state "last" initial dense<8> : tensor<1x2xi64>
  // FX-NEXT: fx.assume %[[LAST]] in 0 to 31 <proved>
  // MPC: mpc.state "last" initial dense<8> : tensor<1x2xi64> : tensor<1x2x!mpc.arith<6>>
  %l = nn.state "last" initial dense<0.5> : tensor<1x2xf32> : tensor<1x2xf32>
  %0 = nn.add %s, %x : tensor<1x2xf32>
  %1 = nn.sub %0, %l : tensor<1x2xf32>
  %2 = nn.clip %1 {low = 0.0, high = 1.0} : tensor<1x2xf32>
  // The next value has the state's type.
  // FX: fx.set_state "sum" %{{.*}} : tensor<1x2x!fx.fixed<s7, 4,
  // FX: fx.set_state "last" %{{.*}} : tensor<1x2x!fx.fixed<s6, 4,
  // MPC: mpc.set_state "sum" %{{.*}} : tensor<1x2x!mpc.arith<7>>
  nn.set_state "sum" %0 : tensor<1x2xf32>
  nn.set_state "last" %2 : tensor<1x2xf32>
  nn.output "y" %2 to "client" : tensor<1x2xf32>
  return
}
