// SPDX-License-Identifier: Apache-2.0
// Passes that print what is made of a module, for dyad-opt: `print-program`, `print-reference`
// and `print-costs`.
#pragma once

namespace dyad::compiler {

/// Makes them known to pipelines written as text. They write to stdout and change nothing.
void registerPrintPasses();

} // namespace dyad::compiler
