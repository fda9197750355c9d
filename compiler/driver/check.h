// SPDX-License-Identifier: Apache-2.0
// What a model would cost, before anything is compiled: whether it is supported, all that is not in
// one go, and for each link its seconds, bytes, flows, memory and dearest nodes.
#pragma once

#include "compiler/driver/options.h"

#include <string>

namespace dyad::compiler {

struct CheckOptions {
  CompileOptions compile;
  bool json = false;
  /// Numbers as dyadc chooses them, however long it takes; else typical ones for large models.
  bool exact = false;
};

/// Prints the estimate, or all problems, to stdout, for people or as JSON:
///
/// {"model", "supported", "problems": [text], "warnings": [text], "numbers": {"assumed", "about"},
/// "networks": [{"link", "phases": [cost], "total": {"bytes", "flows", "seconds"}, "memory":
/// {"server", "client": bytes}, "nodes": [{"name", "op", "bytes", "flows", "seconds", "advice":
/// [text]}]}]}
///
/// Returns the exit status: 0 for a supported model, 1 for one that is not.
int checkModel(const CheckOptions &options);

} // namespace dyad::compiler
