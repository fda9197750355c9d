// SPDX-License-Identifier: Apache-2.0
// Reading an ONNX file into its protobuf message.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

namespace dyad::onnx {

/// Throws Refusal for anything that is not a complete ONNX model.
void readModel(const std::string &path, ::onnx::ModelProto &model);

} // namespace dyad::onnx
