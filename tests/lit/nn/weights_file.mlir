// Values of more than 64 elements leave the text for a safetensors file, and come back from it.
// RUN: dyad-opt %s --output-weights %t.safetensors > %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: not dyad-opt %t.mlir --fold-constants 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: dyad-opt %t.mlir --weights %t.safetensors --fold-constants | FileCheck %s --check-prefix=READ
// RUN: not dyad-opt %t.mlir --weights %t.mlir 2>&1 | FileCheck %s --check-prefix=FOREIGN
// RUN: not dyad-opt %t.mlir --weights %t.absent 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: sed -e 's/100xf32/101xf32/g' %t.mlir > %t.other.mlir
// RUN: not dyad-opt %t.other.mlir --weights %t.safetensors 2>&1 | FileCheck %s --check-prefix=OTHER

// CHECK: nn.weight @large : tensor<100xf32>{{$}}
// ABSENT: weight 'large' has no values; read them with --weights
// READ: tensor<1xf32> = dense<5.000000e+01>
// FOREIGN: cannot read weights file
// MISSING: cannot read weights file
// OTHER: weight 'large' in {{.*}} has another type or shape
nn.weight @large : tensor<100xf32> = dense<0.5> : tensor<100xf32>

func.func @main() {
  %w = nn.constant @large : tensor<100xf32>
  %sum = nn.reduce <sum> %w {axes = array<i64: 0>} : (tensor<100xf32>) -> tensor<1xf32>
  nn.output "y" %sum to "client" : tensor<1xf32>
  return
}
