// What the verifier of structure operations refuses; fx and mpc share it.
// RUN: dyad-opt %s -verify-diagnostics -split-input-file

func.func @reshape(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{must keep the number of elements}}
  %0 = nn.reshape %x : (tensor<2x3xf32>) -> tensor<5xf32>
  return
}

// -----
func.func @dynamic(%x: tensor<?x3xf32>) {
  // expected-error @+1 {{needs static shapes}}
  %0 = nn.reshape %x : (tensor<?x3xf32>) -> tensor<6xf32>
  return
}

// -----
func.func @element_type(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{moves elements and must keep their type}}
  %0 = nn.reshape %x : (tensor<2x3xf32>) -> tensor<6xi64>
  return
}

// -----
func.func @transpose_twice(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{permutation must name each axis once}}
  %0 = nn.transpose %x {permutation = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<3x3xf32>
  return
}

// -----
func.func @transpose_short(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{needs one permutation entry for each axis}}
  %0 = nn.transpose %x {permutation = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----
func.func @transpose_shape(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{result shape does not follow from the permutation}}
  %0 = nn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----
func.func @concat_axis(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{axis is out of range}}
  %0 = nn.concat %x, %x {axis = 2 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return
}

// -----
func.func @concat_none() {
  // expected-error @+1 {{needs at least one input}}
  %0 = nn.concat {axis = 0 : i64} : () -> tensor<4x3xf32>
  return
}

// -----
func.func @concat_sum(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{result has 5 positions along the axis, inputs have 4}}
  %0 = nn.concat %x, %x {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<5x3xf32>
  return
}

// -----
func.func @concat_other_axis(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) {
  // expected-error @+1 {{inputs may differ only along the axis}}
  %0 = nn.concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----
func.func @slice_outside(%x: tensor<8xf32>) {
  // expected-error @+1 {{reaches outside the input along axis 0}}
  %0 = nn.slice %x {starts = array<i64: 1>, steps = array<i64: 2>} : (tensor<8xf32>) -> tensor<5xf32>
  return
}

// -----
func.func @slice_step(%x: tensor<8xf32>) {
  // expected-error @+1 {{steps must not be zero}}
  %0 = nn.slice %x {starts = array<i64: 1>, steps = array<i64: 0>} : (tensor<8xf32>) -> tensor<1xf32>
  return
}

// -----
func.func @slice_rank(%x: tensor<8x2xf32>) {
  // expected-error @+1 {{needs one start and step for each axis}}
  %0 = nn.slice %x {starts = array<i64: 1>, steps = array<i64: 1>} : (tensor<8x2xf32>) -> tensor<1x2xf32>
  return
}

// -----
func.func @broadcast_repeat(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{only axes of size one can be repeated}}
  %0 = nn.broadcast %x : (tensor<2x3xf32>) -> tensor<4x3xf32>
  return
}

// -----
func.func @broadcast_drop(%x: tensor<1x3xf32>) {
  // expected-error @+1 {{cannot drop axes}}
  %0 = nn.broadcast %x : (tensor<1x3xf32>) -> tensor<3xf32>
  return
}

// -----
func.func @gather_index(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{index 3 is out of range; there are 3}}
  %0 = nn.gather %x {axis = 1 : i64, indices = array<i64: 0, 3>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----
func.func @gather_count(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{has 1 indices for 2 positions}}
  %0 = nn.gather %x {axis = 1 : i64, indices = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----
func.func @gather_other_axis(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{only the gathered axis may change}}
  %0 = nn.gather %x {axis = 1 : i64, indices = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<1x1xf32>
  return
}

// -----
func.func @take(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{index -1 is out of range; there are 6}}
  %0 = nn.take %x {indices = array<i64: -1>} : (tensor<2x3xf32>) -> tensor<1xf32>
  return
}

// -----
func.func @pad_negative(%x: tensor<3xf32>) {
  // expected-error @+1 {{padding must not be negative}}
  %0 = nn.pad %x {low = array<i64: -1>, high = array<i64: 0>, interior = array<i64: 0>} : (tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----
func.func @pad_size(%x: tensor<3xf32>) {
  // expected-error @+1 {{axis 0 of the result should have size 6}}
  %0 = nn.pad %x {low = array<i64: 1>, high = array<i64: 0>, interior = array<i64: 1>} : (tensor<3xf32>) -> tensor<5xf32>
  return
}
