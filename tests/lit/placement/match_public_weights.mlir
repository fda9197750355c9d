// RUN: split-file %s %t
// RUN: dyad-opt %t/model.mlir --match-public-weights=base=%t/base.mlir | FileCheck %s

// The base is w1, b1, w2, b2, wq, wk, w5. Names of the model say nothing, but for one.
// CHECK-DAG: nn.weight @m1 {{.*}}is_public
// CHECK-DAG: nn.weight @mb1 {{.*}}is_public
// Its own place has another tensor: that it equals the base's w1 is nobody's business.
// CHECK-DAG: nn.weight @m2 {{.*}}tensor<4x4xf32>{{$}}
// Zeros as in its place and in another: beside a private matrix that says nothing.
// CHECK-DAG: nn.weight @mb2 {{.*}}tensor<4xf32>{{$}}
// The base's two projections side by side.
// CHECK-DAG: nn.weight @mqk {{.*}}is_public
// A NaN equals nothing, not even by name.
// CHECK-DAG: nn.weight @w5 {{.*}}tensor<8x2xf32>{{$}}

//--- model.mlir
nn.weight @m1 : tensor<4x4xf32> = dense<[[1.0,2.0,3.0,4.0],[5.0,6.0,7.0,8.0],[9.0,10.0,11.0,12.0],[13.0,14.0,15.0,16.0]]> : tensor<4x4xf32>
nn.weight @mb1 : tensor<4xf32> = dense<0.0> : tensor<4xf32>
nn.weight @m2 : tensor<4x4xf32> = dense<[[1.0,2.0,3.0,4.0],[5.0,6.0,7.0,8.0],[9.0,10.0,11.0,12.0],[13.0,14.0,15.0,16.0]]> : tensor<4x4xf32>
nn.weight @mb2 : tensor<4xf32> = dense<0.0> : tensor<4xf32>
nn.weight @mqk : tensor<4x8xf32> = dense<[[1.1,1.2,1.3,1.4,2.1,2.2,2.3,2.4],[1.5,1.6,1.7,1.8,2.5,2.6,2.7,2.8],[3.1,3.2,3.3,3.4,4.1,4.2,4.3,4.4],[3.5,3.6,3.7,3.8,4.5,4.6,4.7,4.8]]> : tensor<4x8xf32>
nn.weight @w5 : tensor<8x2xf32> = dense<[[0x7FC00000,2.0],[3.0,4.0],[5.0,6.0],[7.0,8.0],[9.0,10.0],[11.0,12.0],[13.0,14.0],[15.0,16.0]]> : tensor<8x2xf32>
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<1x4xf32>
  %m1 = nn.constant @m1 : tensor<4x4xf32>
  %mb1 = nn.constant @mb1 : tensor<4xf32>
  %m2 = nn.constant @m2 : tensor<4x4xf32>
  %mb2 = nn.constant @mb2 : tensor<4xf32>
  %mqk = nn.constant @mqk : tensor<4x8xf32>
  %w5 = nn.constant @w5 : tensor<8x2xf32>
  %bb1 = nn.broadcast %mb1 : (tensor<4xf32>) -> tensor<1x4xf32>
  %bb2 = nn.broadcast %mb2 : (tensor<4xf32>) -> tensor<1x4xf32>
  %0 = nn.matmul %x, %m1 : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  %1 = nn.add %0, %bb1 : tensor<1x4xf32>
  %2 = nn.matmul %1, %m2 : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  %3 = nn.add %2, %bb2 : tensor<1x4xf32>
  %4 = nn.matmul %3, %mqk : (tensor<1x4xf32>, tensor<4x8xf32>) -> tensor<1x8xf32>
  %5 = nn.matmul %4, %w5 : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  nn.output "y" %5 to "client" : tensor<1x2xf32>
  return
}

//--- base.mlir
nn.weight @w1 : tensor<4x4xf32> = dense<[[1.0,2.0,3.0,4.0],[5.0,6.0,7.0,8.0],[9.0,10.0,11.0,12.0],[13.0,14.0,15.0,16.0]]> : tensor<4x4xf32>
nn.weight @b1 : tensor<4xf32> = dense<0.0> : tensor<4xf32>
nn.weight @w2 : tensor<4x4xf32> = dense<[[8.1,2.0,3.0,4.0],[5.0,6.0,7.0,8.0],[9.0,10.0,11.0,12.0],[13.0,14.0,15.0,16.0]]> : tensor<4x4xf32>
nn.weight @b2 : tensor<4xf32> = dense<0.0> : tensor<4xf32>
nn.weight @wq : tensor<4x4xf32> = dense<[[1.1,1.2,1.3,1.4],[1.5,1.6,1.7,1.8],[3.1,3.2,3.3,3.4],[3.5,3.6,3.7,3.8]]> : tensor<4x4xf32>
nn.weight @wk : tensor<4x4xf32> = dense<[[2.1,2.2,2.3,2.4],[2.5,2.6,2.7,2.8],[4.1,4.2,4.3,4.4],[4.5,4.6,4.7,4.8]]> : tensor<4x4xf32>
nn.weight @w5 : tensor<8x2xf32> = dense<[[0x7FC00000,2.0],[3.0,4.0],[5.0,6.0],[7.0,8.0],[9.0,10.0],[11.0,12.0],[13.0,14.0],[15.0,16.0]]> : tensor<8x2xf32>
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<1x4xf32>
  %w1 = nn.constant @w1 : tensor<4x4xf32>
  %b1 = nn.constant @b1 : tensor<4xf32>
  %w2 = nn.constant @w2 : tensor<4x4xf32>
  %b2 = nn.constant @b2 : tensor<4xf32>
  %wq = nn.constant @wq : tensor<4x4xf32>
  %wk = nn.constant @wk : tensor<4x4xf32>
  %w5 = nn.constant @w5 : tensor<8x2xf32>
  %bb1 = nn.broadcast %b1 : (tensor<4xf32>) -> tensor<1x4xf32>
  %bb2 = nn.broadcast %b2 : (tensor<4xf32>) -> tensor<1x4xf32>
  %0 = nn.matmul %x, %w1 : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  %1 = nn.add %0, %bb1 : tensor<1x4xf32>
  %2 = nn.matmul %1, %w2 : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  %3 = nn.add %2, %bb2 : tensor<1x4xf32>
  %q = nn.matmul %3, %wq : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  %k = nn.matmul %3, %wk : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  %4 = nn.concat %q, %k {axis = 1} : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x8xf32>
  %5 = nn.matmul %4, %w5 : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  nn.output "y" %5 to "client" : tensor<1x2xf32>
  return
}
