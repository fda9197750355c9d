// SPDX-License-Identifier: Apache-2.0
#include "frontends/onnx/model_file.h"

#include "frontends/onnx/tensor.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>
#include <limits>

namespace dyad::onnx {

void readModel(const std::string &path, ::onnx::ModelProto &model) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    throw Refusal(fmt::format("'{}' is a folder; name an ONNX file", path));
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Refusal(fmt::format("'{}' cannot be opened; check the path and its permissions", path));
  // Protobuf would print its own view of a damaged file.
  auto *handler = google::protobuf::SetLogHandler(nullptr);
  google::protobuf::io::IstreamInputStream stream(&file);
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(std::numeric_limits<int>::max());
  bool complete = model.ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage();
  google::protobuf::SetLogHandler(handler);
  if (!complete)
    throw Refusal(fmt::format("'{}' is not an ONNX model, or it is truncated; copy or export it "
                              "again",
                              path));
  if (!model.has_graph() || model.opset_import_size() == 0 || model.ir_version() < 3)
    throw Refusal(fmt::format("'{}' is not an ONNX model: graph, opset or IR version are missing; "
                              "export it again",
                              path));
}

} // namespace dyad::onnx
