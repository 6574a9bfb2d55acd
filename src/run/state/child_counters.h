#pragma once

/// @file
/// What each Child has given to a Parent's run.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "genkidama/net/parent.h"

namespace genkidama::run {

/// Counts over all processes that a Child was, and all that the Parent was: a Child tells how much it has
/// done since it started, which begins at 0 again when it is started again.
class ChildCounters {
 public:
  struct Count {
    std::uint64_t updates = 0;
    std::uint64_t environment_steps = 0;
    std::uint64_t episodes = 0;
  };

  ChildCounters() = default;
  /// What text() gave; nothing for an empty text. Throws FormatError.
  explicit ChildCounters(const std::string& text);

  /// Takes note of a merge; returns how many episodes the Child has played since the one before.
  std::uint64_t add(const ParentUpdate& update);

  /// For the state, and for people.
  std::string text() const;
  nlohmann::ordered_json report() const;

 private:
  struct Child {
    Count all;
    // As the Child told them last.
    std::uint64_t told_steps = 0;
    std::uint64_t told_episodes = 0;
  };

  /// Names are the Children's own choice. More than so many are counted together.
  static constexpr std::size_t kMaxNames = 4096;
  Child& child_of(const std::string& name);

  std::map<std::string, Child> children_;
};

}  // namespace genkidama::run
