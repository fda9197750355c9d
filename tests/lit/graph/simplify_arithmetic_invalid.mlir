// RUN: not dyad-opt %s --simplify-arithmetic 2>&1 | FileCheck %s

nn.weight @divisor : tensor<2xf32> = dense<[1.0, 0.0]> : tensor<2xf32>
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<2xf32>
  %divisor = nn.constant @divisor : tensor<2xf32>
  // CHECK: error: {{.*}}loc("normalise"): division by a constant that is zero
  %y = nn.div %x, %divisor : tensor<2xf32> loc("normalise")
  nn.output "y" %y to "client" : tensor<2xf32>
  return
}
