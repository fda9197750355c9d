// RUN: dyad-opt %s --order-only | FileCheck %s
// What keeps the order before an arg-max, or the sign before a comparison, is removed if nothing else reads it.

// CHECK-LABEL: func.func @order
func.func @order() {
  // CHECK: %[[X:.*]] = nn.input
  // CHECK-NEXT: nn.arg_max %[[X]]
  // CHECK: %[[N:.*]] = nn.neg %[[X]]
  // CHECK-NEXT: nn.arg_max %[[N]]
  %x = nn.input "x" owner "client" : tensor<1x10xf32>
  %0 = nn.leaky_relu %x {alpha = 0.1} : tensor<1x10xf32>
  %1 = nn.function #nn.function<tanh> %0 : tensor<1x10xf32>
  %2 = nn.arg_max %1 {axis = 1 : i64} : (tensor<1x10xf32>) -> tensor<1x1xi64>
  nn.output "largest" %2 to "client" : tensor<1x1xi64>
  %3 = nn.function #nn.function<sigmoid> %x : tensor<1x10xf32>
  %4 = nn.neg %3 : tensor<1x10xf32>
  %5 = nn.arg_max %4 {axis = 1 : i64} : (tensor<1x10xf32>) -> tensor<1x1xi64>
  nn.output "smallest" %5 to "client" : tensor<1x1xi64>

  // Ties of a ReLU, functions that fall, and other users.
  // CHECK: %[[R:.*]] = nn.relu %[[X]]
  // CHECK-NEXT: nn.arg_max %[[R]]
  // CHECK: %[[G:.*]] = nn.function <gelu> %[[X]]
  // CHECK-NEXT: nn.arg_max %[[G]]
  // CHECK: %[[E:.*]] = nn.function <exp> %[[X]]
  // CHECK-NEXT: nn.arg_max %[[E]]
  %6 = nn.relu %x : tensor<1x10xf32>
  %7 = nn.arg_max %6 {axis = 1 : i64} : (tensor<1x10xf32>) -> tensor<1x1xi64>
  nn.output "ties" %7 to "client" : tensor<1x1xi64>
  %8 = nn.function #nn.function<gelu> %x : tensor<1x10xf32>
  %9 = nn.arg_max %8 {axis = 1 : i64} : (tensor<1x10xf32>) -> tensor<1x1xi64>
  nn.output "falls" %9 to "client" : tensor<1x1xi64>
  %10 = nn.function #nn.function<exp> %x : tensor<1x10xf32>
  %11 = nn.arg_max %10 {axis = 1 : i64} : (tensor<1x10xf32>) -> tensor<1x1xi64>
  nn.output "used" %11 to "client" : tensor<1x1xi64>
  nn.output "too" %10 to "client" : tensor<1x10xf32>
  return
}

// CHECK-LABEL: func.func @sign
func.func @sign() {
  // CHECK: %[[X:.*]] = nn.input
  // CHECK-NEXT: nn.step %[[X]]
  // CHECK: nn.step %[[X]]
  // CHECK: %[[S:.*]] = nn.function <sigmoid> %[[X]]
  // CHECK-NEXT: nn.step %[[S]]
  // CHECK: %[[R:.*]] = nn.relu %[[X]]
  // CHECK-NEXT: nn.step %[[R]]
  %x = nn.input "x" owner "client" : tensor<4xf32>
  %0 = nn.function #nn.function<tanh> %x : tensor<4xf32>
  %1 = nn.step %0 : tensor<4xf32>
  nn.output "a" %1 to "client" : tensor<4xf32>
  %2 = nn.relu %x : tensor<4xf32>
  %3 = nn.step %2 {strict} : tensor<4xf32>
  nn.output "b" %3 to "client" : tensor<4xf32>
  %4 = nn.function #nn.function<sigmoid> %x : tensor<4xf32>
  %5 = nn.step %4 : tensor<4xf32>
  nn.output "c" %5 to "client" : tensor<4xf32>
  %6 = nn.relu %x : tensor<4xf32>
  %7 = nn.step %6 : tensor<4xf32>
  nn.output "d" %7 to "client" : tensor<4xf32>
  return
}
