#pragma once

// What two peers must have alike, and what a refusal says where they do not.

#include <optional>
#include <string>
#include <string_view>

#include "genkidama/params/policy_description.h"

namespace genkidama {

/// How a text calls both ends, such as "at the learner 'board-1'".
struct PeerSides {
  std::string own;
  std::string peer;
};

/// One text that both ends have. Nothing unless both say something and say different things.
std::optional<std::string> difference_of_text(std::string_view what, const std::string& own,
                                              const std::string& peer, const PeerSides& sides);

/// What tells networks of the same tensors apart.
std::optional<std::string> difference_of_policy(const PolicyDescription& own, const PolicyDescription& peer,
                                                const PeerSides& sides);

}  // namespace genkidama
