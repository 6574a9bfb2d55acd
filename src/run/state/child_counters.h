#pragma once

/// @file
/// What each Child has given to a Parent's run.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/net/parent.h"
#include "genkidama/run/run_totals.h"

namespace genkidama::run {

/// Counts by the names that Children are shown by, over all sessions of a Child and all processes of the
/// Parent. They are sums of what each merge adds, so a Child that begins again at 0 loses nothing.
class ChildCounters {
 public:
  ChildCounters() = default;
  /// What text() gave; nothing for an empty text. Throws FormatError.
  explicit ChildCounters(const std::string& text);

  /// Takes note of a merge; returns what it adds: ParentUpdate::since_merge, with the right episodes where
  /// the Child goes on in a new session from what its name told last. Of a round that Children have made
  /// together that is the sum over its contributions.
  Played add(const ParentUpdate& update);

  /// For the state, and for people.
  std::string text() const;
  nlohmann::ordered_json report() const;
  /// What each Child's merges did to W_P, in the order of names.
  std::vector<ChildInfluence> influence() const;

 private:
  struct Child {
    std::uint64_t updates = 0;
    Played in_run;
    Played since_child_began;  // as it was told last
    double movement = 0;       // the sum over its merges
    double agreement_sum = 0;
    std::uint64_t agreements = 0;  // merges with an agreement
    std::uint64_t staleness_sum = 0;
  };

  /// Names are the Children's own choice. More than so many are counted together.
  static constexpr std::size_t kMaxNames = 4096;
  Child& child_of(const std::string& name);
  Played add(const std::string& name, const Played& since_child_began, Played since_merge);
  void add_influence(const std::string& name, double movement, std::optional<double> agreement,
                     std::uint64_t staleness);

  std::map<std::string, Child> children_;
};

}  // namespace genkidama::run
