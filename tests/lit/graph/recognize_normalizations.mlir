// Layer and RMS normalisation in steps, as quotient, reciprocal root or reciprocal of the root.
// RUN: dyad-opt %s --recognize-normalizations --eliminate-dead-code | FileCheck %s

nn.weight @eps : tensor<1xf32> = dense<0.5> : tensor<1xf32>
nn.weight @two : tensor<2xf32> = dense<[0.5, 0.25]> : tensor<2xf32>

// CHECK-LABEL: func.func @layer
// CHECK-NEXT: %[[X:.*]] = nn.input
// CHECK-NEXT: %[[Y:.*]] = nn.normalize %[[X]] {axes = array<i64: 1>, center = true, epsilon = 5.000000e-01 : f64} : tensor<2x4xf32>
// CHECK-NEXT: nn.output "y" %[[Y]]
func.func @layer() {
  %x = nn.input "x" owner "client" : tensor<2x4xf32>
  %eps = nn.constant @eps : tensor<1xf32>
  %m = nn.reduce #nn.reduce<mean> %x {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %ms = nn.broadcast %m : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %d = nn.sub %x, %ms : tensor<2x4xf32>
  %q = nn.mul %d, %d : tensor<2x4xf32>
  %v = nn.reduce #nn.reduce<mean> %q {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %e = nn.broadcast %eps : (tensor<1xf32>) -> tensor<2x1xf32>
  %s = nn.add %v, %e : tensor<2x1xf32>
  %r = nn.function #nn.function<sqrt> %s : tensor<2x1xf32>
  %rs = nn.broadcast %r : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %y = nn.div %d, %rs : tensor<2x4xf32>
  nn.output "y" %y to "client" : tensor<2x4xf32>
  return
}

// CHECK-LABEL: func.func @rms
// CHECK: nn.normalize %{{.*}} {axes = array<i64: 1>, center = false
// CHECK: nn.normalize %{{.*}} {axes = array<i64: 1>, center = false
// CHECK-NOT: nn.function
func.func @rms() {
  %x = nn.input "x" owner "client" : tensor<2x4xf32>
  %eps = nn.constant @eps : tensor<1xf32>
  %q = nn.mul %x, %x : tensor<2x4xf32>
  %v = nn.reduce #nn.reduce<mean> %q {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %e = nn.broadcast %eps : (tensor<1xf32>) -> tensor<2x1xf32>
  %s = nn.add %e, %v : tensor<2x1xf32>
  %r = nn.function #nn.function<rsqrt> %s : tensor<2x1xf32>
  %rs = nn.broadcast %r : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %y = nn.mul %rs, %x : tensor<2x4xf32>
  %root = nn.function #nn.function<sqrt> %s : tensor<2x1xf32>
  %i = nn.function #nn.function<reciprocal> %root : tensor<2x1xf32>
  %is = nn.broadcast %i : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %z = nn.mul %x, %is : tensor<2x4xf32>
  nn.output "y" %y to "client" : tensor<2x4xf32>
  nn.output "z" %z to "client" : tensor<2x4xf32>
  return
}

// The mean of the squares of something else, a sum instead of a mean, several epsilons: not these.
// CHECK-LABEL: func.func @others
// CHECK-NOT: nn.normalize
func.func @others() {
  %x = nn.input "x" owner "client" : tensor<2x4xf32>
  %z = nn.input "z" owner "client" : tensor<2x4xf32>
  %eps = nn.constant @eps : tensor<1xf32>
  %e = nn.broadcast %eps : (tensor<1xf32>) -> tensor<2x1xf32>
  %q = nn.mul %x, %x : tensor<2x4xf32>
  %v = nn.reduce #nn.reduce<mean> %q {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %s = nn.add %v, %e : tensor<2x1xf32>
  %r = nn.function #nn.function<rsqrt> %s : tensor<2x1xf32>
  %rs = nn.broadcast %r : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %a = nn.mul %z, %rs : tensor<2x4xf32>
  %w = nn.reduce #nn.reduce<sum> %q {axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %t = nn.add %w, %e : tensor<2x1xf32>
  %u = nn.function #nn.function<rsqrt> %t : tensor<2x1xf32>
  %us = nn.broadcast %u : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %b = nn.mul %x, %us : tensor<2x4xf32>
  %two = nn.constant @two : tensor<2xf32>
  %twos = nn.reshape %two : (tensor<2xf32>) -> tensor<2x1xf32>
  %f = nn.add %v, %twos : tensor<2x1xf32>
  %g = nn.function #nn.function<rsqrt> %f : tensor<2x1xf32>
  %gs = nn.broadcast %g : (tensor<2x1xf32>) -> tensor<2x4xf32>
  %c = nn.mul %x, %gs : tensor<2x4xf32>
  nn.output "a" %a to "client" : tensor<2x4xf32>
  nn.output "b" %b to "client" : tensor<2x4xf32>
  nn.output "c" %c to "client" : tensor<2x4xf32>
  return
}
