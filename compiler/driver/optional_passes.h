// SPDX-License-Identifier: Apache-2.0
// What --disable may name: passes, and choices within passes, without which a program is still
// correct, only dearer. For measuring what each of them saves (docs/passes.md).
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <set>
#include <string>

namespace dyad::compiler {

struct OptionalPass {
  llvm::StringRef name;
  llvm::StringRef what; ///< what is lost without it, in a few words
};

/// In the order in which the pipeline runs them.
llvm::ArrayRef<OptionalPass> optionalPasses();

/// The names in a list with commas. A name that cannot be left out, or that no pass has, is a
/// dyad::Error that says what can be.
std::set<std::string> parseDisabled(llvm::StringRef list);

} // namespace dyad::compiler
