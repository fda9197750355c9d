// Every operation of mpc: accepted, printed and parsed again.
// RUN: dyad-opt %s | dyad-opt | FileCheck %s
// RUN: dyad-opt %s --mlir-print-op-generic | dyad-opt | FileCheck %s

!x = !fx.fixed<s16, 8, client>
!w = !fx.fixed<s12, 6, server>
!a = !mpc.arith<32>

fx.weight @conv : tensor<2x1x3x3x!w>
fx.weight @bias : tensor<2x!fx.fixed<s32, 14, server>> = dense<[1, -1]> : tensor<2xi32>
fx.weight @fc : tensor<8x3x!w>
fx.weight @kernel : tensor<2x1x1x1x!fx.fixed<s8, 0, public>> = dense<1> : tensor<2x1x1x1xi8>
fx.weight @public : tensor<1x1x4x4x!fx.fixed<u8, 0, public>> = dense<3> : tensor<1x1x4x4xi8>

// CHECK-LABEL: func.func @main
func.func @main() {
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1x1x4x4x!x>
  %w = fx.constant @conv : tensor<2x1x3x3x!w>
  %b = fx.constant @bias : tensor<2x!fx.fixed<s32, 14, server>>
  // CHECK: mpc.share %{{.*}} : (tensor<1x1x4x4x!fx.fixed<s16, 8, client>>) -> tensor<1x1x4x4x!mpc.arith<32>>
  %s = mpc.share %x : (tensor<1x1x4x4x!x>) -> tensor<1x1x4x4x!a>
  // CHECK: mpc.conv2d %{{.*}}, %{{.*}} bias %{{.*}} {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 1, 1, 1, 1>, protocol = #mpc.linear<ot_client_chooses>, strides = array<i64: 1, 1>}
  %conv = mpc.conv2d %s, %w bias %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, protocol = #mpc.linear<ot_client_chooses>} : (tensor<1x1x4x4x!a>, tensor<2x1x3x3x!w>, tensor<2x!fx.fixed<s32, 14, server>>) -> tensor<1x2x4x4x!a>
  // CHECK: mpc.add %{{.*}}, %{{.*}} : tensor<1x2x4x4x!mpc.arith<32>>
  %add = mpc.add %conv, %conv : tensor<1x2x4x4x!a>
  // CHECK: mpc.sub
  %sub = mpc.sub %add, %conv : tensor<1x2x4x4x!a>
  // CHECK: mpc.neg
  %neg = mpc.neg %sub : (tensor<1x2x4x4x!a>) -> tensor<1x2x4x4x!a>
  // CHECK: mpc.shift_left %{{.*}} {shift = 2 : i64}
  %left = mpc.shift_left %neg {shift = 2 : i64} : (tensor<1x2x4x4x!a>) -> tensor<1x2x4x4x!a>
  %p = fx.constant @public : tensor<1x1x4x4x!fx.fixed<u8, 0, public>>
  // CHECK: mpc.mul_public
  %mp = mpc.mul_public %s, %p : (tensor<1x1x4x4x!a>, tensor<1x1x4x4x!fx.fixed<u8, 0, public>>) -> tensor<1x1x4x4x!a>
  %kernel = fx.constant @kernel : tensor<2x1x1x1x!fx.fixed<s8, 0, public>>
  // CHECK: mpc.conv2d_public %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
  %cp = mpc.conv2d_public %mp, %kernel {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x4x4x!a>, tensor<2x1x1x1x!fx.fixed<s8, 0, public>>) -> tensor<1x2x4x4x!a>
  // CHECK: mpc.matmul_public
  %lp = mpc.matmul_public %p, %mp : (tensor<1x1x4x4x!fx.fixed<u8, 0, public>>, tensor<1x1x4x4x!a>) -> tensor<1x1x4x4x!a>
  // CHECK: mpc.mul_private
  %mv = mpc.mul_private %mp, %x : (tensor<1x1x4x4x!a>, tensor<1x1x4x4x!x>) -> tensor<1x1x4x4x!a>
  // CHECK: mpc.mul_shared
  %ms = mpc.mul_shared %mv, %mp : tensor<1x1x4x4x!a>
  // CHECK: mpc.truncate %{{.*}} {known = #mpc.known<bounded>, rounding = #fx.rounding<nearest>, shift = 6 : i64}
  %t = mpc.truncate %left {shift = 6 : i64, rounding = #fx.rounding<nearest>, known = #mpc.known<bounded>} : (tensor<1x2x4x4x!a>) -> tensor<1x2x4x4x!a>
  // CHECK: mpc.truncate_reduce {{.*}} -> tensor<1x2x4x4x!mpc.arith<26>>
  %tr = mpc.truncate_reduce %t {shift = 6 : i64, rounding = #fx.rounding<floor>} : (tensor<1x2x4x4x!a>) -> tensor<1x2x4x4x!mpc.arith<26>>
  // CHECK: mpc.extend %{{.*}} {known = #mpc.known<non_negative>}
  %e = mpc.extend %tr {known = #mpc.known<non_negative>} : (tensor<1x2x4x4x!mpc.arith<26>>) -> tensor<1x2x4x4x!a>
  // CHECK: mpc.extend %{{.*}} {is_unsigned, known = #mpc.known<general>}
  %eu = mpc.extend %tr {known = #mpc.known<general>, is_unsigned} : (tensor<1x2x4x4x!mpc.arith<26>>) -> tensor<1x2x4x4x!a>
  // CHECK: mpc.narrow
  %n = mpc.narrow %e : (tensor<1x2x4x4x!a>) -> tensor<1x2x4x4x!mpc.arith<20>>
  // CHECK: mpc.divide %{{.*}} {divisor = 9 : i64, rounding = #fx.rounding<floor>}
  %d = mpc.divide %n {divisor = 9 : i64, rounding = #fx.rounding<floor>} : (tensor<1x2x4x4x!mpc.arith<20>>) -> tensor<1x2x4x4x!mpc.arith<20>>
  // CHECK: mpc.msb %{{.*}} -> tensor<1x2x4x4x!mpc.bool>
  %msb = mpc.msb %d : (tensor<1x2x4x4x!mpc.arith<20>>) -> tensor<1x2x4x4x!mpc.bool>
  // CHECK: mpc.bit_to_arith %{{.*}} {where_zero}
  %bit = mpc.bit_to_arith %msb {where_zero} : (tensor<1x2x4x4x!mpc.bool>) -> tensor<1x2x4x4x!mpc.arith<5>>
  // CHECK: mpc.mux %{{.*}}, %{{.*}} {where_zero}
  %mux = mpc.mux %msb, %d {where_zero} : (tensor<1x2x4x4x!mpc.bool>, tensor<1x2x4x4x!mpc.arith<20>>) -> tensor<1x2x4x4x!mpc.arith<20>>
  // CHECK: mpc.relu
  %relu = mpc.relu %mux : (tensor<1x2x4x4x!mpc.arith<20>>) -> tensor<1x2x4x4x!mpc.arith<20>>
  // CHECK: mpc.relu %{{.*}} {radix = 1 : i64}
  %relu1 = mpc.relu %relu {radix = 1 : i64} : (tensor<1x2x4x4x!mpc.arith<20>>) -> tensor<1x2x4x4x!mpc.arith<20>>
  // CHECK: mpc.truncate_relu %{{.*}} {rounding = #fx.rounding<floor>, shift = 4 : i64} : (tensor<1x2x4x4x!mpc.arith<20>>) -> tensor<1x2x4x4x!mpc.arith<32>>
  %tr_relu = mpc.truncate_relu %relu1 {shift = 4 : i64, rounding = #fx.rounding<floor>} : (tensor<1x2x4x4x!mpc.arith<20>>) -> tensor<1x2x4x4x!mpc.arith<32>>
  // CHECK: mpc.clip %{{.*}} {high = 100 : i64, low = 0 : i64}
  %clip = mpc.clip %relu {low = 0 : i64, high = 100 : i64} : (tensor<1x2x4x4x!mpc.arith<20>>) -> tensor<1x2x4x4x!mpc.arith<20>>
  // CHECK: mpc.max_pool2d
  %pool = mpc.max_pool2d %clip {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x2x4x4x!mpc.arith<20>>) -> tensor<1x2x2x2x!mpc.arith<20>>
  // CHECK: mpc.sum_pool2d
  %sums = mpc.sum_pool2d %clip {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x2x4x4x!mpc.arith<20>>) -> tensor<1x2x2x2x!mpc.arith<20>>
  // CHECK: mpc.parallel : tensor<1x2x2x2x!mpc.arith<20>>, tensor<1x2x2x2x!mpc.arith<20>> {
  %r:2 = mpc.parallel : tensor<1x2x2x2x!mpc.arith<20>>, tensor<1x2x2x2x!mpc.arith<20>> {
    %0 = mpc.relu %pool : (tensor<1x2x2x2x!mpc.arith<20>>) -> tensor<1x2x2x2x!mpc.arith<20>>
    %1 = mpc.relu %sums : (tensor<1x2x2x2x!mpc.arith<20>>) -> tensor<1x2x2x2x!mpc.arith<20>>
    // CHECK: mpc.yield %{{.*}}, %{{.*}} : tensor<1x2x2x2x!mpc.arith<20>>, tensor<1x2x2x2x!mpc.arith<20>>
    mpc.yield %0, %1 : tensor<1x2x2x2x!mpc.arith<20>>, tensor<1x2x2x2x!mpc.arith<20>>
  }
  // CHECK: mpc.reshape
  %flat = mpc.reshape %r#0 : (tensor<1x2x2x2x!mpc.arith<20>>) -> tensor<1x8x!mpc.arith<20>>
  %m = fx.constant @fc : tensor<8x3x!w>
  // CHECK: mpc.matmul %{{.*}}, %{{.*}} {protocol = #mpc.linear<ot_server_chooses>}
  %logits = mpc.matmul %flat, %m {protocol = #mpc.linear<ot_server_chooses>} : (tensor<1x8x!mpc.arith<20>>, tensor<8x3x!w>) -> tensor<1x3x!mpc.arith<20>>
  // CHECK: mpc.transpose
  %tp = mpc.transpose %logits {permutation = array<i64: 1, 0>} : (tensor<1x3x!mpc.arith<20>>) -> tensor<3x1x!mpc.arith<20>>
  // CHECK: mpc.matmul_shared
  %mm = mpc.matmul_shared %logits, %tp : (tensor<1x3x!mpc.arith<20>>, tensor<3x1x!mpc.arith<20>>) -> tensor<1x1x!mpc.arith<20>>
  // CHECK: mpc.reduce_sum
  %rs = mpc.reduce_sum %logits {axes = array<i64: 1>} : (tensor<1x3x!mpc.arith<20>>) -> tensor<1x1x!mpc.arith<20>>
  // CHECK: mpc.reduce_max
  %rx = mpc.reduce_max %logits {axes = array<i64: 1>} : (tensor<1x3x!mpc.arith<20>>) -> tensor<1x1x!mpc.arith<20>>
  // CHECK: mpc.arg_max %{{.*}} {axis = 1 : i64, last}
  %index = mpc.arg_max %logits {axis = 1 : i64, last} : (tensor<1x3x!mpc.arith<20>>) -> tensor<1x1x!mpc.arith<2>>
  // CHECK: mpc.concat
  %c = mpc.concat %rs, %rx, %mm {axis = 0 : i64} : (tensor<1x1x!mpc.arith<20>>, tensor<1x1x!mpc.arith<20>>, tensor<1x1x!mpc.arith<20>>) -> tensor<3x1x!mpc.arith<20>>
  // CHECK: mpc.slice
  %slice = mpc.slice %c {starts = array<i64: 2, 0>, steps = array<i64: -1, 1>} : (tensor<3x1x!mpc.arith<20>>) -> tensor<2x1x!mpc.arith<20>>
  // CHECK: mpc.broadcast
  %broadcast = mpc.broadcast %slice : (tensor<2x1x!mpc.arith<20>>) -> tensor<2x3x!mpc.arith<20>>
  // CHECK: mpc.gather
  %gather = mpc.gather %broadcast {axis = 1 : i64, indices = array<i64: 2, 0>} : (tensor<2x3x!mpc.arith<20>>) -> tensor<2x2x!mpc.arith<20>>
  // CHECK: mpc.take
  %take = mpc.take %gather {indices = array<i64: 3, 0>} : (tensor<2x2x!mpc.arith<20>>) -> tensor<2x!mpc.arith<20>>
  // CHECK: mpc.pad %{{.*}} {high = array<i64: 0>, interior = array<i64: 0>, low = array<i64: 1>, value = 7 : i64}
  %pad = mpc.pad %take {low = array<i64: 1>, high = array<i64: 0>, interior = array<i64: 0>, value = 7 : i64} : (tensor<2x!mpc.arith<20>>) -> tensor<3x!mpc.arith<20>>
  // CHECK: mpc.reveal %{{.*}} : (tensor<3x!mpc.arith<20>>) -> tensor<3x!fx.fixed<s20, 14, client>>
  %y = mpc.reveal %pad : (tensor<3x!mpc.arith<20>>) -> tensor<3x!fx.fixed<s20, 14, client>>
  fx.output "y" %y : tensor<3x!fx.fixed<s20, 14, client>>
  return
}

fx.weight @u : tensor<4x6x!w>
fx.weight @one : tensor<1x1x!w> = dense<1> : tensor<1x1xi16>
// CHECK-LABEL: func.func @functions_and_steps
func.func @functions_and_steps() {
  %z = fx.input "z" range 0.5 to 3.5 <declared> : tensor<4x!fx.fixed<s9, 6, client>>
  %r = fx.input "r" range -1.0 to 1.0 <declared> : tensor<8x32x!fx.fixed<s22, 12, client>>
  %zs = mpc.share %z : (tensor<4x!fx.fixed<s9, 6, client>>) -> tensor<4x!mpc.arith<9>>
  %rs = mpc.share %r : (tensor<8x32x!fx.fixed<s22, 12, client>>) -> tensor<8x32x!mpc.arith<22>>
  // CHECK: mpc.function "log" %{{.*}} {numbers = array<i64: 1, 9
  %log = mpc.function "log" %zs {numbers = array<i64: 1, 9, 6, 7, 1, 0, 9, 128, 7, 0, 0, 0, 0, 2, 1, 11, 2, 0, 1, 0, 2, 4, 29, 81, 124, 160, 2, 0, 4, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 10, 0, 177, -177, 10, 2, 0, 8, 0>} : (tensor<4x!mpc.arith<9>>) -> tensor<4x!mpc.arith<8>>
  // CHECK: mpc.rows "normalize" %{{.*}} {numbers = array<i64: 2, 28
  %wide = mpc.extend %rs {known = #mpc.known<general>} : (tensor<8x32x!mpc.arith<22>>) -> tensor<8x32x!mpc.arith<28>>
  %rows = mpc.rows "normalize" %wide {numbers = array<i64: 2, 28, 2, 32, 1, 26, 55, 2684, 6, 43, 13, 40, 2, 21, 21, 262144, 20, 0, 0, 0, 0, 5, 2, 32, 16, 0, 1, 20, 14, 32, 89915, 85051, 80900, 77301, 74146, 71347, 68842, 66586, 64534, 62664, 60948, 59363, 57899, 56535, 55264, 54077, 52961, 51912, 50922, 49988, 49105, 48265, 47467, 46708, 45983, 45291, 44630, 43997, 43390, 42807, 42247, 41709, 12, 0, -2649, 32, 0, 408, 721, 967, 1165, 1327, 1461, 1574, 1671, 1753, 1825, 1888, 1943, 1991, 2035, 2074, 2108, 2140, 2169, 2194, 2218, 2240, 2260, 2278, 2295, 2311, 2326, 2339, 2352, 2364, 2375, 2385, 5, 8, 1, 32, 28, 21, 16, 13, 10, 8, 7, 5, 5, 4, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 29, 14, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 0, 0, 29, 1, 1, 29, 0, 41, 17, 23>} : (tensor<8x32x!mpc.arith<28>>) -> tensor<8x32x!mpc.arith<23>>
  // CHECK: mpc.state "s" : tensor<1x4x!mpc.arith<16>>
  %state = mpc.state "s" : tensor<1x4x!mpc.arith<16>>
  // CHECK: mpc.mask : tensor<1x4x!mpc.arith<16>>
  %mask = mpc.mask : tensor<1x4x!mpc.arith<16>>
  %u = fx.constant @u : tensor<4x6x!w>
  %first = mpc.matmul %mask, %u {protocol = #mpc.linear<ot_client_chooses>} : (tensor<1x4x!mpc.arith<16>>, tensor<4x6x!w>) -> tensor<1x6x!mpc.arith<16>>
  // CHECK: mpc.matmul_prepared
  %second = mpc.matmul_prepared %state, %mask, %first, %u : (tensor<1x4x!mpc.arith<16>>, tensor<1x4x!mpc.arith<16>>, tensor<1x6x!mpc.arith<16>>, tensor<4x6x!w>) -> tensor<1x6x!mpc.arith<16>>
  %sign = mpc.msb %second : (tensor<1x6x!mpc.arith<16>>) -> tensor<1x6x!mpc.bool>
  %bit = mpc.slice %sign {starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<1x6x!mpc.bool>) -> tensor<1x1x!mpc.bool>
  %one = fx.constant @one : tensor<1x1x!w>
  // CHECK: mpc.matmul_bit
  %chosen = mpc.matmul_bit %bit, %one : (tensor<1x1x!mpc.bool>, tensor<1x1x!w>) -> tensor<1x1x!mpc.arith<16>>
  // CHECK: mpc.set_state "s"
  mpc.set_state "s" %state : tensor<1x4x!mpc.arith<16>>
  return
}
