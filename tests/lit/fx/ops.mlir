// Every operation of fx: accepted, printed and parsed again.
// RUN: dyad-opt %s | dyad-opt | FileCheck %s
// RUN: dyad-opt %s --mlir-print-op-generic | dyad-opt | FileCheck %s

!c = !fx.fixed<s16, 8, client>
!w = !fx.fixed<s12, 6, server>
!p = !fx.fixed<u8, 0, public>
!s = !fx.fixed<s40, 14, shared>
!t = !fx.fixed<s20, 8, shared>

// CHECK: fx.weight @conv : tensor<4x2x3x3x!fx.fixed<s12, 6, server>>{{$}}
fx.weight @conv : tensor<4x2x3x3x!w>
// CHECK: fx.weight @bias : tensor<4x!fx.fixed<s40, 14, server>> = dense<[100, -3, 0, 7]> : tensor<4xi64>
fx.weight @bias : tensor<4x!fx.fixed<s40, 14, server>> = dense<[100, -3, 0, 7]> : tensor<4xi64>
fx.weight @fc : tensor<8x10x!w>
// CHECK: fx.weight @reciprocals : tensor<2x!fx.fixed<u8, 0, public>> = dense<-1> : tensor<2xi8>
fx.weight @reciprocals : tensor<2x!p> = dense<-1> : tensor<2xi8>
fx.weight @slope : tensor<1x4x4x8x!fx.fixed<s10, 9, public>>

// CHECK-LABEL: func.func @main
func.func @main() {
  // CHECK: fx.input "x" range -1.000000e+00 to 1.000000e+00 <declared> : tensor<1x2x8x8x!fx.fixed<s16, 8, client>>
  %x = fx.input "x" range -1.0 to 1.0 <declared> : tensor<1x2x8x8x!c>
  // CHECK: fx.constant @conv : tensor<4x2x3x3x!fx.fixed<s12, 6, server>>
  %w = fx.constant @conv : tensor<4x2x3x3x!w>
  %b = fx.constant @bias : tensor<4x!fx.fixed<s40, 14, server>>
  // CHECK: fx.conv2d %{{.*}}, %{{.*}} bias %{{.*}} {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 1, 0, 1, 2>, strides = array<i64: 2, 1>} : (tensor<1x2x8x8x!fx.fixed<s16, 8, client>>, tensor<4x2x3x3x!fx.fixed<s12, 6, server>>, tensor<4x!fx.fixed<s40, 14, server>>) -> tensor<1x4x4x8x!fx.fixed<s40, 14, shared>>
  %conv = fx.conv2d %x, %w bias %b {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x8x8x!c>, tensor<4x2x3x3x!w>, tensor<4x!fx.fixed<s40, 14, server>>) -> tensor<1x4x4x8x!s>
  // CHECK: fx.requantize
  %q = fx.requantize %conv : (tensor<1x4x4x8x!s>) -> tensor<1x4x4x8x!t>
  // CHECK: fx.truncate %{{.*}} {rounding = #fx.rounding<nearest>, shift = 6 : i64}
  %t = fx.truncate %conv {shift = 6 : i64, rounding = #fx.rounding<nearest>} : (tensor<1x4x4x8x!s>) -> tensor<1x4x4x8x!t>
  // CHECK: fx.shift_left %{{.*}} {shift = 6 : i64}
  %l = fx.shift_left %t {shift = 6 : i64} : (tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!s>
  // CHECK: fx.divide %{{.*}} {divisor = 49 : i64, rounding = #fx.rounding<floor>}
  %d = fx.divide %t {divisor = 49 : i64, rounding = #fx.rounding<floor>} : (tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!t>
  // CHECK: fx.assume %{{.*}} in -100 to 100 <calibrated> : tensor<1x4x4x8x!fx.fixed<s20, 8, shared>>
  %a = fx.assume %d in -100 to 100 <calibrated> : tensor<1x4x4x8x!t>
  // CHECK: fx.resize
  %r = fx.resize %a : (tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!fx.fixed<s8, 8, shared>>
  // CHECK: fx.add {{.*}} -> tensor<1x4x4x8x!fx.fixed<s21, 8, shared>>
  %add = fx.add %r, %t : (tensor<1x4x4x8x!fx.fixed<s8, 8, shared>>, tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!fx.fixed<s21, 8, shared>>
  // CHECK: fx.sub
  %sub = fx.sub %t, %t : (tensor<1x4x4x8x!t>, tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!t>
  // CHECK: fx.min
  %min = fx.min %sub, %t : (tensor<1x4x4x8x!t>, tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!t>
  // CHECK: fx.max
  %max = fx.max %min, %t : (tensor<1x4x4x8x!t>, tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!t>
  // CHECK: fx.mul {{.*}} -> tensor<1x4x4x8x!fx.fixed<s40, 16, shared>>
  %mul = fx.mul %max, %t : (tensor<1x4x4x8x!t>, tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!fx.fixed<s40, 16, shared>>
  // CHECK: fx.neg
  %neg = fx.neg %t : (tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!t>
  // CHECK: fx.abs {{.*}} -> tensor<1x4x4x8x!fx.fixed<u20, 8, shared>>
  %abs = fx.abs %neg : (tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!fx.fixed<u20, 8, shared>>
  // CHECK: fx.relu
  %relu = fx.relu %neg : (tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!t>
  // CHECK: fx.clip %{{.*}} {high = 1536 : i64, low = 0 : i64}
  %clip = fx.clip %relu {low = 0 : i64, high = 1536 : i64} : (tensor<1x4x4x8x!t>) -> tensor<1x4x4x8x!t>
  %slope = fx.constant @slope : tensor<1x4x4x8x!fx.fixed<s10, 9, public>>
  // CHECK: fx.prelu %{{.*}}, %{{.*}} : {{.*}} -> tensor<1x4x4x8x!fx.fixed<s30, 17, shared>>
  %prelu = fx.prelu %clip, %slope : (tensor<1x4x4x8x!t>, tensor<1x4x4x8x!fx.fixed<s10, 9, public>>) -> tensor<1x4x4x8x!fx.fixed<s30, 17, shared>>
  // CHECK: fx.max_pool2d
  %pool = fx.max_pool2d %clip {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x4x8x!t>) -> tensor<1x4x2x4x!t>
  // CHECK: fx.sum_pool2d
  %sums = fx.sum_pool2d %pool {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x2x4x!t>) -> tensor<1x4x1x2x!fx.fixed<s22, 8, shared>>
  // CHECK: fx.reshape
  %flat = fx.reshape %sums : (tensor<1x4x1x2x!fx.fixed<s22, 8, shared>>) -> tensor<1x8x!fx.fixed<s22, 8, shared>>
  %m = fx.constant @fc : tensor<8x10x!w>
  // CHECK: fx.matmul
  %logits = fx.matmul %flat, %m : (tensor<1x8x!fx.fixed<s22, 8, shared>>, tensor<8x10x!w>) -> tensor<1x10x!s>
  // CHECK: fx.reduce_sum %{{.*}} {axes = array<i64: 1>}
  %rs = fx.reduce_sum %logits {axes = array<i64: 1>} : (tensor<1x10x!s>) -> tensor<1x1x!s>
  // CHECK: fx.reduce_max
  %rx = fx.reduce_max %logits {axes = array<i64: 1>} : (tensor<1x10x!s>) -> tensor<1x1x!s>
  // CHECK: fx.reduce_min
  %rn = fx.reduce_min %logits {axes = array<i64: 1>} : (tensor<1x10x!s>) -> tensor<1x1x!s>
  // CHECK: fx.arg_max %{{.*}} {axis = 1 : i64, last} : {{.*}} -> tensor<1x1x!fx.fixed<u4, 0, shared>>
  %index = fx.arg_max %logits {axis = 1 : i64, last} : (tensor<1x10x!s>) -> tensor<1x1x!fx.fixed<u4, 0, shared>>
  // CHECK: fx.transpose
  %tr = fx.transpose %logits {permutation = array<i64: 1, 0>} : (tensor<1x10x!s>) -> tensor<10x1x!s>
  // CHECK: fx.concat
  %c = fx.concat %tr, %rs {axis = 0 : i64} : (tensor<10x1x!s>, tensor<1x1x!s>) -> tensor<11x1x!s>
  // CHECK: fx.slice
  %slice = fx.slice %c {starts = array<i64: 10, 0>, steps = array<i64: -2, 1>} : (tensor<11x1x!s>) -> tensor<6x1x!s>
  // CHECK: fx.broadcast
  %broadcast = fx.broadcast %slice : (tensor<6x1x!s>) -> tensor<6x3x!s>
  // CHECK: fx.gather
  %gather = fx.gather %broadcast {axis = 1 : i64, indices = array<i64: 2, 0>} : (tensor<6x3x!s>) -> tensor<6x2x!s>
  // CHECK: fx.take
  %take = fx.take %gather {indices = array<i64: 11, 0>} : (tensor<6x2x!s>) -> tensor<2x!s>
  // CHECK: fx.pad %{{.*}} {high = array<i64: 0>, interior = array<i64: 1>, low = array<i64: 2>, value = -5 : i64}
  %pad = fx.pad %take {low = array<i64: 2>, high = array<i64: 0>, interior = array<i64: 1>, value = -5 : i64} : (tensor<2x!s>) -> tensor<5x!s>
  // CHECK: fx.reveal {{.*}} -> tensor<5x!fx.fixed<s40, 14, client>>
  %known = fx.reveal %pad : (tensor<5x!s>) -> tensor<5x!fx.fixed<s40, 14, client>>
  // CHECK: fx.output "y" %{{.*}} : tensor<5x!fx.fixed<s40, 14, client>>
  fx.output "y" %known : tensor<5x!fx.fixed<s40, 14, client>>
  %label = fx.reveal %index : (tensor<1x1x!fx.fixed<u4, 0, shared>>) -> tensor<1x1x!fx.fixed<u4, 0, public>>
  // CHECK: fx.output "label" %{{.*}} {integer}
  fx.output "label" %label {integer} : tensor<1x1x!fx.fixed<u4, 0, public>>
  // CHECK: fx.step %{{.*}} : (tensor<4x!fx.fixed<s9, 6, client>>) -> tensor<4x!fx.fixed<u1, 0, client>>
  %z = fx.input "z" range 0.5 to 3.5 <declared> : tensor<4x!fx.fixed<s9, 6, client>>
  %step = fx.step %z : (tensor<4x!fx.fixed<s9, 6, client>>) -> tensor<4x!fx.fixed<u1, 0, client>>
  // CHECK: fx.function "log" %{{.*}} {numbers = array<i64: 1, 9
  %log = fx.function "log" %z {numbers = array<i64: 1, 9, 6, 7, 1, 0, 9, 128, 7, 0, 0, 0, 0, 2, 1, 11, 2, 0, 1, 0, 2, 4, 29, 81, 124, 160, 2, 0, 4, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 10, 0, 177, -177, 10, 2, 0, 8, 0>} : (tensor<4x!fx.fixed<s9, 6, client>>) -> tensor<4x!fx.fixed<s8, 6, client>>
  // CHECK: fx.rows "normalize" %{{.*}} {numbers = array<i64: 2, 28
  %many = fx.input "r" range -1.0 to 1.0 <declared> : tensor<8x32x!fx.fixed<s22, 12, client>>
  %rows = fx.rows "normalize" %many {numbers = array<i64: 2, 28, 2, 32, 1, 26, 55, 2684, 6, 43, 13, 40, 2, 21, 21, 262144, 20, 0, 0, 0, 0, 5, 2, 32, 16, 0, 1, 20, 14, 32, 89915, 85051, 80900, 77301, 74146, 71347, 68842, 66586, 64534, 62664, 60948, 59363, 57899, 56535, 55264, 54077, 52961, 51912, 50922, 49988, 49105, 48265, 47467, 46708, 45983, 45291, 44630, 43997, 43390, 42807, 42247, 41709, 12, 0, -2649, 32, 0, 408, 721, 967, 1165, 1327, 1461, 1574, 1671, 1753, 1825, 1888, 1943, 1991, 2035, 2074, 2108, 2140, 2169, 2194, 2218, 2240, 2260, 2278, 2295, 2311, 2326, 2339, 2352, 2364, 2375, 2385, 5, 8, 1, 32, 28, 21, 16, 13, 10, 8, 7, 5, 5, 4, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 29, 14, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 0, 0, 29, 1, 1, 29, 0, 41, 17, 23>} : (tensor<8x32x!fx.fixed<s22, 12, client>>) -> tensor<8x32x!fx.fixed<s23, 19, client>>
  return
}
