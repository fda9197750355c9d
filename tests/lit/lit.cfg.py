# SPDX-License-Identifier: Apache-2.0
# How the compiler's lit tests run: `dyad-opt`, `FileCheck` and `not` by name in RUN lines.
import os

import lit.formats

config.name = "dyad"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.dyad_binary_dir, "tests", "lit", "out")

config.environment["PATH"] = os.pathsep.join(
    [config.dyad_bin, config.llvm_bin, os.environ.get("PATH", "")]
)
config.substitutions.append(("%python", config.python))
