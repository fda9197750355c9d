// SPDX-License-Identifier: Apache-2.0
// main() of the server: linked with a generated program.cpp.
#include "runtime/party/main.h"

int main(int argc, char **argv) {
  return dyad::serverMain(
      argc, argv,
      {dyad::generated::programInfo(), dyad::generated::prepare, dyad::generated::step});
}
