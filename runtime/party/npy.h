// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy files: the form in which users give inputs and take outputs. A file is not trusted:
// whatever it holds, the result is an array or an Error that names the file.
#pragma once

#include "runtime/clear/shape.h"

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace dyad {

/// Numbers in row-major order. Integer and bool files give int64, float16/32/64 files double.
struct NpyArray {
  clear::Shape shape;
  std::variant<std::vector<double>, std::vector<std::int64_t>> values;
};

/// Reads versions 1 to 3, any byte order, C or Fortran order. Errors: kBadInput (file missing,
/// foreign, cut off or longer than its header says, an element type that is not a number, an
/// unsigned integer beyond int64).
NpyArray readNpy(const std::string &path);
/// The same of a file's bytes; `path` stands for it in messages.
NpyArray parseNpy(std::span<const std::uint8_t> file, const std::string &path);

/// Writes version 1.0, little endian, C order. The file appears complete or not at all, unless it
/// is a device or pipe. Errors: kBadInput (cannot be written). Sizes fit: values.size() is the
/// product of the shape.
void writeNpy(const std::string &path, const clear::Shape &shape, const std::vector<float> &values);
void writeNpy(const std::string &path, const clear::Shape &shape,
              const std::vector<std::int64_t> &values);

} // namespace dyad
