// SPDX-License-Identifier: Apache-2.0
// The keys of a session's RLWE layers: for each parameter set that the program uses a secret at the
// client, and a public key of it at the server, which makes encryptions of zero with it.
#pragma once

#include "runtime/he/galois_key.h"
#include "runtime/he/he_cost.h"
#include "runtime/he/ring.h"
#include "runtime/net/task.h"
#include "runtime/ot/session.h"

#include <map>
#include <vector>

namespace dyad::he {

/// One party's half of the keys of one parameter set; polynomials as transforms.
struct KeyHalf {
  Polynomial secret;           ///< client: ternary
  Polynomial public0, public1; ///< server: -a s + e, and a
  GaloisKeys galois;           ///< server: by step
  unsigned steps = 0;          ///< of which there are Galois keys
};

class Keys {
public:
  bool has(unsigned set) const { return halves_.contains(set); }
  /// Error kOutOfRange when the set-up was not asked for this.
  const KeyHalf &of(const KeyNeed &need) const;
  void add(unsigned set, KeyHalf half) { halves_[set] = std::move(half); }

private:
  std::map<unsigned, KeyHalf> halves_;
};

/// Makes keys for the sets and sends the public ones. Once per session and set. keyCost(needs),
/// one flow. The public key is an encryption of zero, a Galois key one of the secret's image under
/// an automorphism: they tell nothing to a server that cannot break RLWE (circular, as usual).
Task<void> setup(Session &session, std::vector<KeyNeed> needs);

} // namespace dyad::he
