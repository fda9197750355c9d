// SPDX-License-Identifier: Apache-2.0
// Costs of the mpc operations: each calls the formula beside its protocol in the runtime.
#include "ir/mpc/mpc.h"

using namespace dyad;
using namespace dyad::mpc;
