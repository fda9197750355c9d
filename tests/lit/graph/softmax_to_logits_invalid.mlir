// Without `logits`. All problems are reported in one run; an arg-max alone needs no permission.
// RUN: not dyad-opt %s --softmax-to-logits 2>&1 | FileCheck %s

func.func @main() {
  %x = nn.input "x" owner "client" : tensor<2x10xf32>
  // CHECK: error: {{.*}}loc("head"): Softmax: a softmax that is returned is not supported; pass --logits
  %0 = nn.softmax %x {axis = 1 : i64} : tensor<2x10xf32> loc("head")
  nn.output "probabilities" %0 to "client" : tensor<2x10xf32>
  // CHECK: error: {{.*}}loc("attention"): LogSoftmax: softmax is not supported inside a model
  %1 = nn.softmax %x {axis = 1 : i64, log} : tensor<2x10xf32> loc("attention")
  %2 = nn.relu %1 : tensor<2x10xf32>
  nn.output "inner" %2 to "client" : tensor<2x10xf32>
  %3 = nn.softmax %x {axis = 1 : i64} : tensor<2x10xf32>
  %4 = nn.arg_max %3 {axis = 1 : i64} : (tensor<2x10xf32>) -> tensor<2x1xi64>
  nn.output "label" %4 to "client" : tensor<2x1xi64>
  // CHECK-NOT: error
  // CHECK: error: {{.*}}softmax is not supported inside a model
  %5 = nn.softmax %x {axis = 1 : i64} : tensor<2x10xf32>
  %6 = nn.arg_max %5 {axis = 0 : i64} : (tensor<2x10xf32>) -> tensor<1x10xi64>
  nn.output "other_axis" %6 to "client" : tensor<1x10xi64>
  return
}
