// RUN: dyad-opt %s --split-input-file --batch-products --eliminate-dead-code | FileCheck %s

// Products of steps with one weight are one of all rows; the state's wait for each other and stay.
nn.weight @w : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
nn.weight @u : tensor<4x4xf32> = dense<2.0> : tensor<4x4xf32>
// CHECK-LABEL: func.func @steps
func.func @steps() {
  // CHECK: %[[X:.*]] = nn.input "x"
  // CHECK: %[[ROWS:.*]] = nn.reshape %{{.*}} -> tensor<3x2xf32>
  // CHECK: %[[ALL:.*]] = nn.matmul %[[ROWS]], %{{.*}} -> tensor<3x4xf32>
  // CHECK-DAG: nn.slice %[[ALL]] {starts = array<i64: 0, 0>, {{.*}} -> tensor<1x4xf32>
  // CHECK-DAG: nn.slice %[[ALL]] {starts = array<i64: 1, 0>, {{.*}} -> tensor<1x4xf32>
  // CHECK-DAG: nn.slice %[[ALL]] {starts = array<i64: 2, 0>, {{.*}} -> tensor<1x4xf32>
  // CHECK-COUNT-2: nn.matmul {{.*}}tensor<4x4xf32>
  // CHECK-NOT: nn.matmul
  %x = nn.input "x" owner "client" : tensor<1x3x2xf32>
  %w = nn.constant @w : tensor<2x4xf32>
  %u = nn.constant @u : tensor<4x4xf32>
  %g0 = nn.gather %x {axis = 1 : i64, indices = array<i64: 0>} : (tensor<1x3x2xf32>) -> tensor<1x1x2xf32>
  %x0 = nn.reshape %g0 : (tensor<1x1x2xf32>) -> tensor<1x2xf32>
  %h0 = nn.matmul %x0, %w : (tensor<1x2xf32>, tensor<2x4xf32>) -> tensor<1x4xf32>
  // A slice is looked through as a gather is.
  %g1 = nn.slice %x {starts = array<i64: 0, 1, 0>, steps = array<i64: 1, 1, 1>} : (tensor<1x3x2xf32>) -> tensor<1x1x2xf32>
  %x1 = nn.reshape %g1 : (tensor<1x1x2xf32>) -> tensor<1x2xf32>
  %i1 = nn.matmul %x1, %w : (tensor<1x2xf32>, tensor<2x4xf32>) -> tensor<1x4xf32>
  %r1 = nn.matmul %h0, %u : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  %h1 = nn.add %i1, %r1 : tensor<1x4xf32>
  %g2 = nn.gather %x {axis = 1 : i64, indices = array<i64: 2>} : (tensor<1x3x2xf32>) -> tensor<1x1x2xf32>
  %x2 = nn.reshape %g2 : (tensor<1x1x2xf32>) -> tensor<1x2xf32>
  %i2 = nn.matmul %x2, %w : (tensor<1x2xf32>, tensor<2x4xf32>) -> tensor<1x4xf32>
  %r2 = nn.matmul %h1, %u : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  %h2 = nn.add %i2, %r2 : tensor<1x4xf32>
  nn.output "y" %h2 to "client" : tensor<1x4xf32>
  return
}

// -----
// Operands of different origin stand one after another; products behind become one in their turn.
nn.weight @w : tensor<2x3xf32> = dense<1.0> : tensor<2x3xf32>
nn.weight @v : tensor<3x1xf32> = dense<1.0> : tensor<3x1xf32>
// CHECK-LABEL: func.func @independent
func.func @independent() {
  // CHECK: %[[ROWS:.*]] = nn.concat %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  // CHECK: nn.matmul %[[ROWS]], %{{.*}} -> tensor<3x3xf32>
  // CHECK: nn.matmul {{.*}} -> tensor<3x1xf32>
  // CHECK-NOT: nn.matmul
  %a = nn.input "a" owner "client" : tensor<1x2xf32>
  %b = nn.input "b" owner "client" : tensor<2x1x2xf32>
  %w = nn.constant @w : tensor<2x3xf32>
  %v = nn.constant @v : tensor<3x1xf32>
  %p = nn.matmul %a, %w : (tensor<1x2xf32>, tensor<2x3xf32>) -> tensor<1x3xf32>
  %q = nn.matmul %b, %w : (tensor<2x1x2xf32>, tensor<2x3xf32>) -> tensor<2x1x3xf32>
  %r = nn.matmul %p, %v : (tensor<1x3xf32>, tensor<3x1xf32>) -> tensor<1x1xf32>
  %s = nn.matmul %q, %v : (tensor<2x1x3xf32>, tensor<3x1xf32>) -> tensor<2x1x1xf32>
  nn.output "r" %r to "client" : tensor<1x1xf32>
  nn.output "s" %s to "client" : tensor<2x1x1xf32>
  return
}
