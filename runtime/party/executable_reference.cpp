// SPDX-License-Identifier: Apache-2.0
// main() of the reference: linked with a generated reference.cpp.
#include "runtime/party/main.h"

int main(int argc, char **argv) {
  return dyad::referenceMain(argc, argv,
                             {dyad::generated::programInfo(), dyad::generated::reference});
}
