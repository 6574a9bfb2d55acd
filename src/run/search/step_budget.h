#pragma once

/// @file
/// How many environment steps a sweep may take.

#include <cstdint>
#include <optional>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// Counts what each run has taken, or will have taken when it ends.
class StepBudget {
 public:
  /// `limit` 0: there is none.
  explicit StepBudget(std::uint64_t limit) : limit_(limit) {}

  /// The run at this place has taken so many steps in all, or is started to take them.
  void charge(std::size_t run, std::uint64_t steps);
  std::uint64_t charged(std::size_t run) const { return run < steps_.size() ? steps_[run] : 0; }
  std::uint64_t spent() const { return spent_; }
  std::uint64_t limit() const { return limit_; }

  /// Whether so many more are left; for a number that nobody knows beforehand, whether any are. Remembers
  /// that they were not.
  bool takes(std::optional<std::uint64_t> steps);
  /// Whether takes() has refused.
  bool has_refused() const { return refused_; }

 private:
  std::uint64_t limit_;
  std::uint64_t spent_ = 0;
  std::vector<std::uint64_t> steps_;  // by run
  bool refused_ = false;
};

}  // namespace run
}  // namespace genkidama
