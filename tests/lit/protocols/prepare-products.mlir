// RUN: dyad-opt --prepare-products %s | FileCheck %s
// Two products with one weight, the second waiting for the first: masks are multiplied at once, each step sends one message.

fx.weight @u : tensor<64x64x!fx.fixed<s12, 8, server>>
fx.weight @v : tensor<64x64x!fx.fixed<s12, 8, server>>

// CHECK-LABEL: func.func @steps
func.func @steps(%h: tensor<1x64x!mpc.arith<24>>) -> tensor<1x64x!mpc.arith<26>> {
  // CHECK: %[[U:.*]] = fx.constant @u
  // CHECK: %[[M:.*]] = mpc.mask : tensor<2x64x!mpc.arith<26>>
  // CHECK: %[[P:.*]] = mpc.matmul %[[M]], %[[U]] {{.*}} -> tensor<2x64x!mpc.arith<26>>
  // The first step's ring is narrower than that of the masks.
  // CHECK: %[[M0:.*]] = mpc.slice %[[M]] {starts = array<i64: 0, 0>
  // CHECK: %[[N0:.*]] = mpc.narrow %[[M0]]
  // CHECK: %[[P0:.*]] = mpc.slice %[[P]] {starts = array<i64: 0, 0>
  // CHECK: %[[Q0:.*]] = mpc.narrow %[[P0]]
  // CHECK: mpc.matmul_prepared %arg0, %[[N0]], %[[Q0]], %[[U]]
  %u = fx.constant @u : tensor<64x64x!fx.fixed<s12, 8, server>>
  %1 = mpc.matmul %h, %u {protocol = #mpc.linear<he>} : (tensor<1x64x!mpc.arith<24>>, tensor<64x64x!fx.fixed<s12, 8, server>>) -> tensor<1x64x!mpc.arith<24>>
  %2 = mpc.extend %1 {known = #mpc.known<bounded>} : (tensor<1x64x!mpc.arith<24>>) -> tensor<1x64x!mpc.arith<26>>
  // CHECK: %[[H:.*]] = mpc.extend
  // CHECK: %[[M1:.*]] = mpc.slice %[[M]] {starts = array<i64: 1, 0>
  // CHECK: %[[P1:.*]] = mpc.slice %[[P]] {starts = array<i64: 1, 0>
  // CHECK: mpc.matmul_prepared %[[H]], %[[M1]], %[[P1]], %[[U]]
  %3 = mpc.matmul %2, %u {protocol = #mpc.linear<he>} : (tensor<1x64x!mpc.arith<26>>, tensor<64x64x!fx.fixed<s12, 8, server>>) -> tensor<1x64x!mpc.arith<26>>
  // Another weight, used once.
  // CHECK: mpc.matmul %{{.*}}, %{{.*}} {protocol = #mpc.linear<he>}
  // CHECK-NOT: mpc.matmul
  %v = fx.constant @v : tensor<64x64x!fx.fixed<s12, 8, server>>
  %4 = mpc.matmul %3, %v {protocol = #mpc.linear<he>} : (tensor<1x64x!mpc.arith<26>>, tensor<64x64x!fx.fixed<s12, 8, server>>) -> tensor<1x64x!mpc.arith<26>>
  return %4 : tensor<1x64x!mpc.arith<26>>
}
