// RUN: dyad-opt %s --split-input-file --split-states | FileCheck %s

// Hidden and cell state in one tensor: one state each, with its share of the initial value.
// CHECK-LABEL: func.func @lstm
func.func @lstm() {
  // CHECK: %[[H:.*]] = nn.state "s#0" initial dense<{{.*}}1.0{{.*}}, 2.0{{.*}}> : tensor<1x2xf32> : tensor<1x2xf32>
  // CHECK-NEXT: %[[C:.*]] = nn.state "s#1" initial dense<{{.*}}3.0{{.*}}, 4.0{{.*}}> : tensor<1x2xf32> : tensor<1x2xf32>
  // CHECK: %[[G:.*]] = nn.gather %[[H]] {axis = 0 : i64, indices = array<i64: 0>}
  // CHECK: %[[S:.*]] = nn.slice %[[C]] {starts = array<i64: 0, 1>, steps = array<i64: 1, 1>}
  %x = nn.input "x" owner "client" : tensor<1x2xf32>
  %s = nn.state "s" initial dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> : tensor<2x2xf32>
  %h = nn.gather %s {axis = 0, indices = array<i64: 0>} : (tensor<2x2xf32>) -> tensor<1x2xf32>
  %c = nn.slice %s {starts = array<i64: 1, 1>, steps = array<i64: 1, 1>} : (tensor<2x2xf32>) -> tensor<1x1xf32>
  %0 = nn.add %h, %x : tensor<1x2xf32>
  %b = nn.broadcast %c : (tensor<1x1xf32>) -> tensor<1x2xf32>
  %1 = nn.add %b, %x : tensor<1x2xf32>
  %n = nn.concat %0, %1 {axis = 0} : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
  // CHECK: nn.set_state "s#0" %[[A:.*]] : tensor<1x2xf32>
  // CHECK-NEXT: nn.set_state "s#1" %[[B:.*]] : tensor<1x2xf32>
  nn.set_state "s" %n : tensor<2x2xf32>
  nn.output "y" %0 to "client" : tensor<1x2xf32>
  return
}

// -----
// Elements that move from one part to the other need the whole.
// CHECK-LABEL: func.func @delay_line
func.func @delay_line() {
  // CHECK: nn.state "s" : tensor<4xf32>
  // CHECK: nn.set_state "s"
  %x = nn.input "x" owner "client" : tensor<1xf32>
  %s = nn.state "s" : tensor<4xf32>
  %0 = nn.slice %s {starts = array<i64: 1>, steps = array<i64: 1>} : (tensor<4xf32>) -> tensor<3xf32>
  %1 = nn.concat %0, %x {axis = 0} : (tensor<3xf32>, tensor<1xf32>) -> tensor<4xf32>
  nn.set_state "s" %1 : tensor<4xf32>
  nn.output "y" %1 to "client" : tensor<4xf32>
  return
}
