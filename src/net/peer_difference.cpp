#include "net/peer_difference.h"

#include <fmt/format.h>

#include "genkidama/wire/message.h"

namespace genkidama {

std::optional<std::string> difference_of_text(std::string_view what, const std::string& own,
                                              const std::string& peer, const PeerSides& sides) {
  const std::string shown = description_text(own);
  if (shown.empty() || peer.empty() || shown == peer) return std::nullopt;
  return fmt::format("{} is '{}' {} and '{}' {}", what, shown, sides.own, peer, sides.peer);
}

std::optional<std::string> difference_of_policy(const PolicyDescription& own, const PolicyDescription& peer,
                                                const PeerSides& sides) {
  if (auto text = difference_of_text("the network", own.network, peer.network, sides)) return text;
  const char* const behaviour = "the way from its outputs to actions";
  if (auto text = difference_of_text(behaviour, own.behaviour, peer.behaviour, sides)) return text;
  return difference_of_text("what is normalised", own.normalisation, peer.normalisation, sides);
}

}  // namespace genkidama
