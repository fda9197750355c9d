// RUN: dyad-opt %s --simplify-arithmetic --eliminate-dead-code | FileCheck %s

module {
  nn.weight @g : tensor<2xf32> = dense<[2.0, 4.0]> : tensor<2xf32>
  nn.weight @q : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  nn.weight @c : tensor<2xf32> = dense<[8.0, 16.0]> : tensor<2xf32>
  nn.weight @k : tensor<2x2xf32> = dense<[[5.0, 6.0], [7.0, 8.0]]> : tensor<2x2xf32>
  nn.weight @s : tensor<f32> = dense<0.5> : tensor<f32>
  // The factor before both products is in both weights, and the scores' scale in the queries'.
  // CHECK-DAG: nn.weight @{{.*}} = dense<{{\[\[}}1.000000e+00, 2.000000e+00], [6.000000e+00, 8.000000e+00]]>
  // CHECK-DAG: nn.weight @{{.*}} = dense<[4.000000e+00, 8.000000e+00]>
  // CHECK-DAG: nn.weight @{{.*}} = dense<{{\[\[}}1.000000e+01, 1.200000e+01], [2.800000e+01, 3.200000e+01]]>
  // CHECK: func.func @main
  // CHECK: %[[X:.*]] = nn.input
  // CHECK-NOT: nn.mul
  // CHECK: nn.matmul %[[X]]
  // CHECK-NOT: nn.mul
  // CHECK: nn.output
  func.func @main() {
    %x = nn.input "x" owner "client" : tensor<3x2xf32>
    %g = nn.constant @g : tensor<2xf32>
    %gb = nn.broadcast %g : (tensor<2xf32>) -> tensor<3x2xf32>
    %n = nn.mul %x, %gb : tensor<3x2xf32>
    %qw = nn.constant @q : tensor<2x2xf32>
    %q0 = nn.matmul %n, %qw : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
    %c = nn.constant @c : tensor<2xf32>
    %cb = nn.broadcast %c : (tensor<2xf32>) -> tensor<3x2xf32>
    %q1 = nn.add %q0, %cb : tensor<3x2xf32>
    %kw = nn.constant @k : tensor<2x2xf32>
    %k0 = nn.matmul %n, %kw : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
    %kt = nn.transpose %k0 {permutation = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
    %p = nn.matmul %q1, %kt : (tensor<3x2xf32>, tensor<2x3xf32>) -> tensor<3x3xf32>
    %s = nn.constant @s : tensor<f32>
    %sb = nn.broadcast %s : (tensor<f32>) -> tensor<3x3xf32>
    %y = nn.mul %p, %sb : tensor<3x3xf32>
    nn.output "y" %y to "client" : tensor<3x3xf32>
    return
  }
}
