// Where only the order matters, or with `logits` at the end; elsewhere a softmax stays.
// RUN: dyad-opt %s --softmax-to-logits=logits | FileCheck %s

// CHECK-LABEL: func.func @main
func.func @main() {
  // CHECK-NEXT: %[[X:.*]] = nn.input
  // CHECK-NEXT: nn.output "probabilities" %[[X]]
  // CHECK-NEXT: %[[F:.*]] = nn.reshape %[[X]]
  // CHECK-NEXT: nn.output "flat" %[[F]]
  // CHECK-NEXT: %[[I:.*]] = nn.arg_max %[[X]]
  // CHECK-NEXT: nn.output "label" %[[I]]
  %x = nn.input "x" owner "client" : tensor<1x10xf32>
  %0 = nn.softmax %x {axis = 1 : i64} : tensor<1x10xf32>
  nn.output "probabilities" %0 to "client" : tensor<1x10xf32>
  %1 = nn.softmax %x {axis = 1 : i64, log} : tensor<1x10xf32>
  %2 = nn.reshape %1 : (tensor<1x10xf32>) -> tensor<10xf32>
  nn.output "flat" %2 to "client" : tensor<10xf32>
  %3 = nn.arg_max %0 {axis = 1 : i64} : (tensor<1x10xf32>) -> tensor<1x1xi64>
  nn.output "label" %3 to "client" : tensor<1x1xi64>
  // CHECK: %[[S:.*]] = nn.softmax %[[X]]
  // CHECK-NEXT: nn.relu %[[S]]
  %4 = nn.softmax %x {axis = 1 : i64} : tensor<1x10xf32>
  %5 = nn.relu %4 : tensor<1x10xf32>
  nn.output "inner" %5 to "client" : tensor<1x10xf32>
  return
}
