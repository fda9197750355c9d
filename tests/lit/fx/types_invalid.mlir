// What the fixed-point type refuses.
// RUN: dyad-opt %s -verify-diagnostics -split-input-file

// expected-error @+1 {{width must be 1 to 64 bits, not 65}}
func.func private @width(tensor<2x!fx.fixed<s65, 8, client>>)

// -----
// expected-error @+1 {{width must be 1 to 64 bits, not 0}}
func.func private @zero(tensor<2x!fx.fixed<u0, 8, client>>)

// -----
// expected-error @+1 {{expected a width such as s28 or u8}}
func.func private @format(tensor<2x!fx.fixed<f32, 8, client>>)

// -----
// expected-error @+1 {{expected an owner: public, client, server or shared}}
func.func private @owner(tensor<2x!fx.fixed<s16, 8, nobody>>)

// -----
// The fraction is only an exponent: negative or wider than the number is fine.
func.func private @fraction(tensor<2x!fx.fixed<s16, -3, client>>, tensor<2x!fx.fixed<s16, 40, client>>)
