// Features of an input are brought to one size at the client, by public powers of two that the weights take back.
// RUN: %python %S/Inputs/write_npy.py %t.npy 2x1x3 1000 0.3 0 -600 -0.9 0
// RUN: %python %S/Inputs/write_npy.py %t.even.npy 1x1x3 1 0.7 0.6
// RUN: echo '{"inputs": {"x": {"channel_shifts": [0, 3, 1]}}, "defaults": {"weight_scale": 9}}' > %t.json
// RUN: echo '{"defaults": {"weight_scale": 9}}' > %t.none.json
// RUN: echo '{"inputs": {"x": {"channel_shifts": [0, -1]}}, "defaults": {"weight_scale": 9}}' > %t.short.json
// RUN: dyad-opt %s --split-input-file --scale-inputs=samples=%t.npy | FileCheck %s
// RUN: dyad-opt %s --split-input-file --scale-inputs="config=%t.json samples=%t.npy" 2>&1 | FileCheck %s --check-prefix=GIVEN
// RUN: dyad-opt %s --split-input-file --scale-inputs="config=%t.none.json samples=%t.npy" | FileCheck %s --check-prefix=NONE
// RUN: dyad-opt %s --split-input-file --scale-inputs=samples=%t.even.npy | FileCheck %s --check-prefix=NONE
// RUN: not dyad-opt %s --split-input-file --scale-inputs="config=%t.short.json" 2>&1 | FileCheck %s --check-prefix=SHORT

// NONE-NOT: nn.mul
// SHORT: error: {{.*}}input 'x': channel_shifts of the configuration are to be 3 numbers from 0 to 20

// 1000 is below 2^10 and 0.9 below 2^0: ten bits, of which three are left free. What is always zero stays.
// CHECK: nn.weight @x.shifts : {{.*}} dense<{{\[\[}}1.000000e+00, 1.280000e+02, 1.000000e+00]]> {{.*}}is_public
// CHECK: nn.weight @w : {{.*}} dense<{{\[\[}}1.000000e+00, 2.000000e+00], [2.400000e+01, 3.200000e+01], [5.000000e+00, 6.000000e+00]]>
// CHECK: %[[X:.*]] = nn.input "x" owner "client" {channel_shifts = array<i64: 0, 7, 0>}
// CHECK: %[[S:.*]] = nn.constant @x.shifts
// CHECK: %[[Y:.*]] = nn.mul %[[X]], %[[S]]
// CHECK: nn.matmul %[[Y]]
// GIVEN: nn.input "x" owner "client" {channel_shifts = array<i64: 0, 3, 1>}
nn.weight @w : tensor<3x2xf32> = dense<[[1.0, 2.0], [3072.0, 4096.0], [5.0, 6.0]]> : tensor<3x2xf32>
func.func @main() {
  %0 = nn.input "x" owner "client" : tensor<1x3xf32> loc("x")
  %1 = nn.constant @w : tensor<3x2xf32>
  %2 = nn.matmul %0, %1 : (tensor<1x3xf32>, tensor<3x2xf32>) -> tensor<1x2xf32> loc("first")
  nn.output "y" %2 to "client" : tensor<1x2xf32>
  return
}
