// RUN: not dyad-opt %s --fold-constants -split-input-file 2>&1 | FileCheck %s

nn.weight @zero : tensor<2xf32> = dense<[0.0, 1.0]> : tensor<2xf32>
func.func @main() {
  %zero = nn.constant @zero : tensor<2xf32>
  // CHECK: error: {{.*}}loc("ratio"): the value of this constant expression is not finite
  %ratio = nn.div %zero, %zero : tensor<2xf32> loc("ratio")
  nn.output "y" %ratio to "client" : tensor<2xf32>
  return
}

// -----
nn.weight @elsewhere : tensor<100xf32>
func.func @main() {
  %w = nn.constant @elsewhere : tensor<100xf32>
  // CHECK: error: {{.*}}weight 'elsewhere' has no values; read them with --weights
  %y = nn.relu %w : tensor<100xf32>
  nn.output "y" %y to "client" : tensor<100xf32>
  return
}
