// Channels between linear operations get powers of two; what they are moves from one layer's weights to the next one's.
// RUN: %python %S/Inputs/make_samples.py %t.npy x f4 4x1x2 1
// RUN: dyad-opt %s --split-input-file --scale-channels=samples=%t.npy | FileCheck %s
// RUN: echo '{"nodes": {"first": {"channel_shifts": [0, 3]}}}' > %t.json
// RUN: echo '{"defaults": {"channel_shifts": []}}' > %t.none.json
// RUN: echo '{"defaults": {"weight_scale": 9}}' > %t.numbers.json
// RUN: echo '{"nodes": {"last": {"channel_shifts": [0, 1]}}}' > %t.fixed.json
// RUN: echo '{"nodes": {"first": {"channel_shifts": [1]}}}' > %t.short.json
// RUN: dyad-opt %s --split-input-file --scale-channels="config=%t.json samples=%t.npy" | FileCheck %s --check-prefix=GIVEN
// RUN: dyad-opt %s --split-input-file --scale-channels="config=%t.none.json samples=%t.npy" | FileCheck %s --check-prefix=NONE
// RUN: dyad-opt %s --split-input-file --scale-channels="config=%t.numbers.json samples=%t.npy" | FileCheck %s --check-prefix=NONE
// RUN: not dyad-opt %s --split-input-file --scale-channels="config=%t.fixed.json samples=%t.npy" 2>&1 | FileCheck %s --check-prefix=FIXED
// RUN: not dyad-opt %s --split-input-file --scale-channels="config=%t.short.json samples=%t.npy" 2>&1 | FileCheck %s --check-prefix=SHORT

// NONE-NOT: channel_shifts =
// FIXED: error: {{.*}}channel_shifts of the configuration: channel 1 cannot be scaled by 2^1; what uses it does not scale with it
// SHORT: error: {{.*}}channel_shifts of the configuration: 1 of them, for 2 channels that can be scaled

// The second channel is 1/16 of the first, and read 16 times as much: four bits, between producing and reading weights.
// CHECK-LABEL: module
// CHECK-DAG: nn.weight @a {{.*}} = dense<2.500000e-01>
// CHECK-DAG: nn.weight @bias {{.*}} = dense<[0.000000e+00, 6.250000e-02]>
// CHECK-DAG: nn.weight @b {{.*}} = dense<4.000000e+00>
// GIVEN-DAG: nn.weight @a {{.*}} = dense<{{\[\[}}1.000000e+00, 5.000000e-01], [1.000000e+00, 5.000000e-01]]>
// GIVEN-DAG: nn.weight @bias {{.*}} = dense<[0.000000e+00, 1.250000e-01]>
// GIVEN-DAG: nn.weight @b {{.*}} = dense<{{\[\[}}1.000000e+00, 1.000000e+00], [2.000000e+00, 2.000000e+00]]>
nn.weight @a : tensor<2x2xf32> = dense<[[1.0, 0.0625], [1.0, 0.0625]]> : tensor<2x2xf32>
nn.weight @bias : tensor<2xf32> = dense<[0.0, 0.015625]> : tensor<2xf32>
nn.weight @b : tensor<2x2xf32> = dense<[[1.0, 1.0], [16.0, 16.0]]> : tensor<2x2xf32>
func.func @main() {
  %x = nn.input "x" owner "client" : tensor<1x2xf32>
  %a = nn.constant @a : tensor<2x2xf32>
  // CHECK: nn.matmul {{.*}} {channel_shifts = array<i64: -2, 2>}
  // GIVEN: nn.matmul {{.*}} {channel_shifts = array<i64: 0, 3>}
  %0 = nn.matmul %x, %a : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("first")
  %bias = nn.constant @bias : tensor<2xf32>
  %offset = nn.broadcast %bias : (tensor<2xf32>) -> tensor<1x2xf32>
  %1 = nn.add %0, %offset : tensor<1x2xf32>
  %2 = nn.relu %1 : tensor<1x2xf32>
  %b = nn.constant @b : tensor<2x2xf32>
  // Outputs are what they are.
  // CHECK: nn.matmul
  // CHECK-NOT: channel_shifts
  %3 = nn.matmul %2, %b : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("last")
  nn.output "y" %3 to "client" : tensor<1x2xf32>
  return
}
