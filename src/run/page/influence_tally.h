#pragma once

/// @file
/// How much each Child has moved the Parent's weights, counted from the merges that a page is told of.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "genkidama/net/parent.h"

namespace genkidama::run {

/// Counts since this process began. Children are known by the names that they are shown by.
class InfluenceTally {
 public:
  void add(const ParentUpdate& update) {
    if (update.contributions.empty()) {
      count(update.child, update.movement, update.agreement);
    } else {
      for (const RoundContribution& each : update.contributions)
        count(each.child, each.movement, each.agreement);
    }
  }

  /// Of the movement of all Children that are known; empty for one that has moved nothing yet.
  std::optional<double> share(const std::string& child) const {
    const auto found = children_.find(child);
    if (found == children_.end() || !(sum_ > 0)) return {};
    return found->second.movement / sum_;
  }

  /// The latest cosine with the others, as ParentUpdate::agreement.
  std::optional<double> agreement(const std::string& child) const {
    const auto found = children_.find(child);
    return found == children_.end() ? std::nullopt : found->second.agreement;
  }

  /// Forgets all others, so that names that come and go take no memory.
  void keep(const std::set<std::string>& children) {
    sum_ = 0;
    for (auto each = children_.begin(); each != children_.end();) {
      if (children.count(each->first) == 0) {
        each = children_.erase(each);
      } else {
        sum_ += (each++)->second.movement;
      }
    }
  }
  std::size_t size() const { return children_.size(); }

 private:
  struct Influence {
    double movement = 0;
    std::optional<double> agreement;
  };

  void count(const std::string& child, double movement, const std::optional<double>& agreement) {
    if (children_.size() >= kMostKnown && children_.count(child) == 0) return;
    Influence& influence = children_[child];
    influence.movement += movement;
    sum_ += movement;
    if (agreement) influence.agreement = agreement;
  }

  // While nobody looks nothing is forgotten; a Parent has fewer connections.
  static constexpr std::size_t kMostKnown = 10'000;

  double sum_ = 0;
  std::map<std::string, Influence> children_;
};

}  // namespace genkidama::run
