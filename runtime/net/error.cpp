// SPDX-License-Identifier: Apache-2.0
// See error.h.
#include "runtime/net/error.h"

namespace dyad {

int exitStatus(ErrorCode code) noexcept {
  switch (code) {
  case ErrorCode::kBadInput:
  case ErrorCode::kShapeMismatch:
  case ErrorCode::kOutOfRange:
    return 1;
  case ErrorCode::kUsage:
    return 2;
  case ErrorCode::kProgramMismatch:
  case ErrorCode::kNetwork:
  case ErrorCode::kPeerClosed:
  case ErrorCode::kTimeout:
  case ErrorCode::kProtocol:
    return 3;
  }
  return 1;
}

} // namespace dyad
