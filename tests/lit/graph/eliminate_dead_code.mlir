// RUN: dyad-opt %s --eliminate-dead-code | FileCheck %s

// CHECK: nn.weight @used
// CHECK-NOT: nn.weight
nn.weight @used : tensor<2xf32>
nn.weight @unused : tensor<2xf32>
nn.weight @only_in_dead_code : tensor<2xf32>
// CHECK-NOT: fx.weight
fx.weight @unused_fixed : tensor<2x!fx.fixed<s8, 4, server>>

// CHECK-LABEL: func.func @main
func.func @main() {
  // CHECK-NEXT: %[[X:.*]] = nn.input "x"
  %x = nn.input "x" owner "client" : tensor<2xf32>
  // An unused input is part of the interface.
  // CHECK-NEXT: nn.input "unused"
  %unused = nn.input "unused" owner "client" : tensor<2xf32>
  // CHECK-NEXT: %[[W:.*]] = nn.constant @used
  %w = nn.constant @used : tensor<2xf32>
  %dead = nn.constant @only_in_dead_code : tensor<2xf32>
  %chain = nn.add %unused, %dead : tensor<2xf32>
  %chain_end = nn.relu %chain : tensor<2xf32>
  // CHECK-NEXT: %[[Y:.*]] = nn.add %[[X]], %[[W]]
  %y = nn.add %x, %w : tensor<2xf32>
  // CHECK-NEXT: nn.output "y" %[[Y]]
  nn.output "y" %y to "client" : tensor<2xf32>
  return
}
