// RUN: not dyad-opt %s --fold-batch-norm -split-input-file 2>&1 | FileCheck %s

nn.weight @one : tensor<1xf32> = dense<1.0> : tensor<1xf32>
nn.weight @variance : tensor<1xf32> = dense<-1.0> : tensor<1xf32>
func.func @negative_variance() {
  %x = nn.input "x" owner "client" : tensor<1x1x2x2xf32>
  %one = nn.constant @one : tensor<1xf32>
  %variance = nn.constant @variance : tensor<1xf32>
  // CHECK: error: {{.*}}loc("layer3/bn"): folding constants gives a number beyond the floats
  %y = nn.batch_norm %x, %one, %one, %one, %variance {epsilon = 0.5} : (tensor<1x1x2x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x2x2xf32> loc("layer3/bn")
  nn.output "y" %y to "client" : tensor<1x1x2x2xf32>
  return
}

// -----
nn.weight @one : tensor<1xf32> = dense<1.0> : tensor<1xf32>
func.func @not_constant() {
  %x = nn.input "x" owner "client" : tensor<1x1x2x2xf32>
  %s = nn.input "s" owner "client" : tensor<1xf32>
  %one = nn.constant @one : tensor<1xf32>
  // CHECK: error: {{.*}}the parameters of a batch normalisation must be constants
  %y = nn.batch_norm %x, %s, %one, %one, %one {epsilon = 0.5} : (tensor<1x1x2x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x2x2xf32>
  nn.output "y" %y to "client" : tensor<1x1x2x2xf32>
  return
}

// -----
nn.weight @w : tensor<1x1xf32> = dense<3.0e38> : tensor<1x1xf32>
func.func @overflow() {
  %x = nn.input "x" owner "client" : tensor<1x1xf32>
  %w = nn.constant @w : tensor<1x1xf32>
  %product = nn.matmul %x, %w : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32> loc("dense")
  // CHECK: error: {{.*}}folding constants gives a number beyond the floats
  %y = nn.mul %product, %w : tensor<1x1xf32>
  nn.output "y" %y to "client" : tensor<1x1xf32>
  return
}

// -----
// CHECK: error: weight 'elsewhere' has no values; read them with --weights
nn.weight @elsewhere : tensor<100xf32>
func.func @no_values() {
  return
}
