// RUN: %python %S/Inputs/make_samples.py %t.npy x f4 2x1x2 1 -2 140 3
// RUN: dyad-opt %s --drop-saturation=samples=%t.npy | FileCheck %s
// RUN: dyad-opt %s --drop-saturation | FileCheck %s --check-prefix=NONE

// Samples reach from -2 to 140. 127 is passed by less than an eighth, 100 is part of the function; a ReLU's zero stays.
// CHECK-LABEL: func.func @main
// NONE-COUNT-3: nn.clip
func.func @main() {
  // CHECK: %[[X:.*]] = nn.input
  %x = nn.input "x" owner "client" : tensor<1x2xf32>
  // CHECK: %[[R:.*]] = nn.round %[[X]]
  %r = nn.round %x : tensor<1x2xf32>
  %a = nn.clip %r {low = -128.0 : f64, high = 127.0 : f64} : tensor<1x2xf32>
  // CHECK: %[[P:.*]] = nn.relu %[[R]]
  %p = nn.relu %r : tensor<1x2xf32>
  // CHECK: %[[B:.*]] = nn.clip %[[P]] {high = 1.000000e+02 : f64}
  %b = nn.clip %p {high = 100.0 : f64} : tensor<1x2xf32>
  // No quantiser's bound: x is not rounded.
  // CHECK: %[[C:.*]] = nn.clip %[[X]] {high = 2.000000e+02 : f64}
  %c = nn.clip %x {high = 200.0 : f64} : tensor<1x2xf32>
  // CHECK: nn.output "a" %[[R]]
  // CHECK: nn.output "b" %[[B]]
  nn.output "a" %a to "client" : tensor<1x2xf32>
  nn.output "b" %b to "client" : tensor<1x2xf32>
  nn.output "c" %c to "client" : tensor<1x2xf32>
  return
}
