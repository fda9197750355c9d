// RUN: dyad-opt --merge-linear --mlir-print-debuginfo --mlir-print-local-scope %s | FileCheck %s
// Linear operations on the same shares become one where that is cheaper.

fx.weight @q : tensor<2x3x!fx.fixed<s8, 4, server>> = dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
fx.weight @k : tensor<2x2x!fx.fixed<s12, 6, server>> = dense<[[7, 8], [9, 10]]> : tensor<2x2xi16>
fx.weight @one : tensor<1x1x1x1x!fx.fixed<s8, 4, server>> = dense<5> : tensor<1x1x1x1xi8>
fx.weight @one.bias : tensor<1x!fx.fixed<s20, 8, server>> = dense<300> : tensor<1xi32>
fx.weight @three : tensor<1x1x3x3x!fx.fixed<s8, 4, server>> = dense<[[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]> : tensor<1x1x3x3xi8>
fx.weight @other : tensor<1x1x3x3x!fx.fixed<s8, 4, server>> = dense<1> : tensor<1x1x3x3xi8>

// The 1x1 kernel stands in the middle of the 3x3 one; one bias, the other zero.
// CHECK-DAG: fx.weight @"one+three" : tensor<2x1x3x3x!fx.fixed<s8, 4, server>> = dense<{{\[\[\[\[}}0, 0, 0], [0, 5, 0], [0, 0, 0]]], {{\[\[\[}}1, 2, 3], [4, 5, 6], [7, 8, 9]]]]> : tensor<2x1x3x3xi8>
// CHECK-DAG: fx.weight @{{.*}} : tensor<2x!fx.fixed<s20, 8, server>> = dense<[300, 0]> : tensor<2xi32>
// Columns beside each other; the widest format.
// CHECK-DAG: fx.weight @"q+k" : tensor<2x5x!fx.fixed<s12, 6, server>> = dense<{{\[\[}}1, 2, 3, 7, 8], [4, 5, 6, 9, 10]]> : tensor<2x5xi16>

// CHECK-LABEL: func.func @matrices
func.func @matrices(%x: tensor<512x2x!mpc.arith<20>>) -> (tensor<512x3x!mpc.arith<18>>, tensor<512x2x!mpc.arith<20>>) {
  %q = fx.constant @q : tensor<2x3x!fx.fixed<s8, 4, server>>
  %k = fx.constant @k : tensor<2x2x!fx.fixed<s12, 6, server>>
  // CHECK: %[[BOTH:.*]] = fx.constant @"q+k"
  // CHECK: %[[ALL:.*]] = mpc.matmul %arg0, %[[BOTH]] {{.*}} -> tensor<512x5x!mpc.arith<20>> loc("q + k")
  // CHECK: %[[Q:.*]] = mpc.slice %[[ALL]] {starts = array<i64: 0, 0>, {{.*}} -> tensor<512x3x!mpc.arith<20>> loc("q")
  // CHECK: mpc.narrow %[[Q]] {{.*}} -> tensor<512x3x!mpc.arith<18>>
  // CHECK: mpc.slice %[[ALL]] {starts = array<i64: 0, 3>, {{.*}} -> tensor<512x2x!mpc.arith<20>> loc("k")
  // CHECK-NOT: mpc.matmul
  %n = mpc.narrow %x : (tensor<512x2x!mpc.arith<20>>) -> tensor<512x2x!mpc.arith<18>>
  %1 = mpc.matmul %n, %q {protocol = #mpc.linear<he>} : (tensor<512x2x!mpc.arith<18>>, tensor<2x3x!fx.fixed<s8, 4, server>>) -> tensor<512x3x!mpc.arith<18>> loc("q")
  %2 = mpc.matmul %x, %k {protocol = #mpc.linear<he>} : (tensor<512x2x!mpc.arith<20>>, tensor<2x2x!fx.fixed<s12, 6, server>>) -> tensor<512x2x!mpc.arith<20>> loc("k")
  return %1, %2 : tensor<512x3x!mpc.arith<18>>, tensor<512x2x!mpc.arith<20>>
}

// CHECK-LABEL: func.func @kernels
func.func @kernels(%x: tensor<1x1x32x32x!mpc.arith<20>>, %y: tensor<1x1x32x32x!mpc.arith<20>>) -> (tensor<1x1x32x32x!mpc.arith<20>>, tensor<1x1x32x32x!mpc.arith<20>>, tensor<1x1x32x32x!mpc.arith<20>>) {
  %one = fx.constant @one : tensor<1x1x1x1x!fx.fixed<s8, 4, server>>
  %bias = fx.constant @one.bias : tensor<1x!fx.fixed<s20, 8, server>>
  %three = fx.constant @three : tensor<1x1x3x3x!fx.fixed<s8, 4, server>>
  %other = fx.constant @other : tensor<1x1x3x3x!fx.fixed<s8, 4, server>>
  // CHECK: %[[ALL:.*]] = mpc.conv2d %arg0, %{{.*}} bias %{{.*}} {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 1, 1, 1, 1>, protocol = #mpc.linear<he>, strides = array<i64: 1, 1>} {{.*}} -> tensor<1x2x32x32x!mpc.arith<20>> loc("expand1x1 + expand3x3")
  // CHECK: mpc.slice %[[ALL]] {starts = array<i64: 0, 0, 0, 0>
  // CHECK: mpc.slice %[[ALL]] {starts = array<i64: 0, 1, 0, 0>
  // Other shares, an operation of its own.
  // CHECK: mpc.conv2d %arg1
  %1 = mpc.conv2d %x, %one bias %bias {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<he>} : (tensor<1x1x32x32x!mpc.arith<20>>, tensor<1x1x1x1x!fx.fixed<s8, 4, server>>, tensor<1x!fx.fixed<s20, 8, server>>) -> tensor<1x1x32x32x!mpc.arith<20>> loc("expand1x1")
  %2 = mpc.conv2d %x, %three {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<he>} : (tensor<1x1x32x32x!mpc.arith<20>>, tensor<1x1x3x3x!fx.fixed<s8, 4, server>>) -> tensor<1x1x32x32x!mpc.arith<20>> loc("expand3x3")
  %3 = mpc.conv2d %y, %other {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<he>} : (tensor<1x1x32x32x!mpc.arith<20>>, tensor<1x1x3x3x!fx.fixed<s8, 4, server>>) -> tensor<1x1x32x32x!mpc.arith<20>> loc("alone")
  return %1, %2, %3 : tensor<1x1x32x32x!mpc.arith<20>>, tensor<1x1x32x32x!mpc.arith<20>>, tensor<1x1x32x32x!mpc.arith<20>>
}

// Nothing is shared by products whose choices are the server's bits.
// CHECK-LABEL: func.func @by_ot
func.func @by_ot(%x: tensor<8x2x!mpc.arith<20>>) -> (tensor<8x3x!mpc.arith<20>>, tensor<8x2x!mpc.arith<20>>) {
  %q = fx.constant @q : tensor<2x3x!fx.fixed<s8, 4, server>>
  %k = fx.constant @k : tensor<2x2x!fx.fixed<s12, 6, server>>
  // CHECK-COUNT-2: mpc.matmul
  %1 = mpc.matmul %x, %q {protocol = #mpc.linear<ot_server_chooses>} : (tensor<8x2x!mpc.arith<20>>, tensor<2x3x!fx.fixed<s8, 4, server>>) -> tensor<8x3x!mpc.arith<20>>
  %2 = mpc.matmul %x, %k {protocol = #mpc.linear<ot_server_chooses>} : (tensor<8x2x!mpc.arith<20>>, tensor<2x2x!fx.fixed<s12, 6, server>>) -> tensor<8x2x!mpc.arith<20>>
  return %1, %2 : tensor<8x3x!mpc.arith<20>>, tensor<8x2x!mpc.arith<20>>
}
