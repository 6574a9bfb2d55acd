#pragma once

// How a Parent turns a peer or its weights away: what the peer is told, what is counted, what becomes of the
// session.

#include <string>

#include "genkidama/wire/message.h"
#include "net/link/peer_fault.h"

namespace genkidama {

/// One refusal. Its code decides the rest; `fault` says more where PeerRefusals counts it.
struct Refusal {
  RefusalCode code = RefusalCode::kProtocol;
  std::string reason;
  PeerFault fault = PeerFault::kNone;
};

/// Whether it is the weights that are refused, rather than the peer.
constexpr bool is_about_weights(RefusalCode code) {
  return code == RefusalCode::kWeights || code == RefusalCode::kFrame || code == RefusalCode::kSequence;
}

/// Whether the Child's session ends with the link. A frame that was damaged on its way ends the link only.
constexpr bool ends_session(RefusalCode code) {
  return code == RefusalCode::kWeights || code == RefusalCode::kSequence;
}

}  // namespace genkidama
