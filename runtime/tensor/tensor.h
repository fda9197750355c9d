// SPDX-License-Identifier: Apache-2.0
// Two-party operations on shared tensors: one function for each operation of the mpc dialect, with
// the same meaning and name. Operations that communicate are tasks, so that independent ones share
// flows (whenAll); local ones are plain functions.
#pragma once

#include "runtime/he/keys.h"
#include "runtime/tensor/linear.h"
#include "runtime/tensor/local.h"
#include "runtime/tensor/maxima.h"
#include "runtime/tensor/pointwise.h"
#include "runtime/tensor/prepared.h"
#include "runtime/tensor/rows.h"
#include "runtime/tensor/sharing.h"
