// RUN: split-file %s %t
// RUN: dyad-opt %t/rank.mlir --split-updates=base=%t/rank_base.mlir | FileCheck %s --check-prefix=RANK
// RUN: dyad-opt %t/zero.mlir --split-updates=base=%t/rank_base.mlir | FileCheck %s --check-prefix=ZERO

// A difference of rank one, over many rows: the public product, two narrow private ones and their sum.
// RANK: nn.weight_updates = {{.*}}"the base, and a private update of rank 1"
// RANK-DAG: nn.weight @w.base : tensor<64x64xf32> {is_public}
// RANK-DAG: nn.weight @w.update_a : tensor<64x1xf32>
// RANK-DAG: nn.weight @w.update_b : tensor<1x64xf32>
// RANK: %[[X:.*]] = nn.input
// RANK-DAG: %[[BASE:.*]] = nn.matmul %[[X]], {{.*}} -> tensor<4096x64xf32>
// RANK-DAG: %[[A:.*]] = nn.matmul %[[X]], {{.*}} -> tensor<4096x1xf32>
// RANK: %[[B:.*]] = nn.matmul %[[A]], {{.*}} -> tensor<4096x64xf32>
// RANK: nn.add %[[BASE]], %[[B]]

// A difference beyond any scale of weights is none.
// ZERO: nn.weight_updates = {{.*}}"the base up to rounding"
// ZERO: %[[X:.*]] = nn.input
// ZERO: nn.matmul %[[X]]
// ZERO-NOT: nn.matmul

//--- rank.mlir
nn.weight @w : tensor<64x64xf32> = dense<1.5> : tensor<64x64xf32>
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<4096x64xf32>
  %w = nn.constant @w : tensor<64x64xf32>
  %0 = nn.matmul %x, %w : (tensor<4096x64xf32>, tensor<64x64xf32>) -> tensor<4096x64xf32>
  nn.output "y" %0 to "client" : tensor<4096x64xf32>
  return
}

//--- zero.mlir
nn.weight @w : tensor<64x64xf32> = dense<1.0000002> : tensor<64x64xf32>
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<4096x64xf32>
  %w = nn.constant @w : tensor<64x64xf32>
  %0 = nn.matmul %x, %w : (tensor<4096x64xf32>, tensor<64x64xf32>) -> tensor<4096x64xf32>
  nn.output "y" %0 to "client" : tensor<4096x64xf32>
  return
}

//--- rank_base.mlir
nn.weight @w : tensor<64x64xf32> = dense<1.0> : tensor<64x64xf32>
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<4096x64xf32>
  %w = nn.constant @w : tensor<64x64xf32>
  %0 = nn.matmul %x, %w : (tensor<4096x64xf32>, tensor<64x64xf32>) -> tensor<4096x64xf32>
  nn.output "y" %0 to "client" : tensor<4096x64xf32>
  return
}
