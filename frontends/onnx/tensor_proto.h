// SPDX-License-Identifier: Apache-2.0
// Values of a TensorProto, in any of ONNX's encodings, inside the file or in one beside it.
#pragma once

#include "frontends/onnx/tensor.h"

#include <onnx/onnx_pb.h>

#include <string>

namespace dyad::onnx {

/// Float types become f32, integer types i64. `folder` is where external data is looked for; a
/// location that leaves it is refused, as are types without a meaning here (strings, complex and
/// sub-byte numbers), data of the wrong length, and numbers beyond f32 or i64.
Tensor readTensor(const ::onnx::TensorProto &proto, const std::string &folder);

/// How a value of an ONNX element type (TensorProto.DataType) is read; refuses unsupported types.
Kind kindOfType(int dataType);
/// "FLOAT16", or "type 23" for types newer than this program.
std::string typeName(int dataType);

} // namespace dyad::onnx
