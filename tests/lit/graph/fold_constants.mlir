// RUN: dyad-opt %s --fold-constants --eliminate-dead-code --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// Only the end of the expression is a weight, with the node's name.
// CHECK: nn.weight @[[SUM:.*]] : tensor<2xf32> = dense<[4.000000e+00, 6.000000e+00]>
// CHECK: nn.weight @product : tensor<1x2xf32> = dense<{{\[\[}}3.000000e+00, 8.000000e+00]]>
// CHECK: nn.weight @reshaped : tensor<2x1xf32> = dense<{{\[\[}}3.000000e+00], [6.000000e+00]]>
// CHECK: nn.weight @[[INDEX:.*]] : tensor<2xi64> = dense<1>
// CHECK: nn.weight @a :
// CHECK-NOT: nn.weight
nn.weight @a : tensor<2xf32> = dense<[1.0, 2.0]> : tensor<2xf32>
nn.weight @b : tensor<2xf32> = dense<[3.0, 4.0]> : tensor<2xf32>
nn.weight @m : tensor<2x2xf32> = dense<[[1.0, 2.0], [2.0, 4.0]]> : tensor<2x2xf32>
nn.weight @i : tensor<2x2xf32> = dense<[[1.0, 2.0], [2.0, 4.0]]> : tensor<2x2xf32>

// CHECK-LABEL: func.func @main
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<2x2xf32>
  // CHECK: %[[A:.*]] = nn.constant @a
  %a = nn.constant @a : tensor<2xf32>
  %b = nn.constant @b : tensor<2xf32>
  %sum = nn.add %a, %b : tensor<2xf32> loc("sum")
  // A repetition stays, of the smallest constant.
  // CHECK: %[[ADDEND:.*]] = nn.constant @[[SUM]]
  // CHECK: %[[REPEATED:.*]] = nn.broadcast %[[ADDEND]]
  // CHECK: nn.add %{{.*}}, %[[REPEATED]]
  %repeated = nn.broadcast %sum : (tensor<2xf32>) -> tensor<2x2xf32>
  %y = nn.add %x, %repeated : tensor<2x2xf32>
  nn.output "y" %y to "client" : tensor<2x2xf32>

  // A repetition that is used by a constant expression is computed with it.
  // CHECK: nn.constant @product
  %one = nn.reshape %a : (tensor<2xf32>) -> tensor<1x2xf32>
  %three = nn.broadcast %b : (tensor<2xf32>) -> tensor<1x2xf32>
  %product = nn.mul %one, %three : tensor<1x2xf32> loc("product")
  nn.output "z" %product to "client" : tensor<1x2xf32>

  // CHECK: nn.constant @reshaped
  %m = nn.constant @m : tensor<2x2xf32>
  %row = nn.reduce <sum> %m {axes = array<i64: 1>} : (tensor<2x2xf32>) -> tensor<2x1xf32> loc("reshaped")
  nn.output "w" %row to "client" : tensor<2x1xf32>

  // Integers too; a name that is taken gets a number.
  // CHECK: nn.constant @[[INDEX]]
  %i = nn.constant @i : tensor<2x2xf32>
  %index = nn.arg_max %i {axis = 1 : i64} : (tensor<2x2xf32>) -> tensor<2x1xi64>
  %flat = nn.reshape %index : (tensor<2x1xi64>) -> tensor<2xi64> loc("sum")
  nn.output "v" %flat to "client" : tensor<2xi64>

  // A weight that is used as it is stays.
  // CHECK: nn.output "u" %[[A]]
  nn.output "u" %a to "client" : tensor<2xf32>
  return
}
