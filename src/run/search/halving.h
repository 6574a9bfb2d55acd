#pragma once

/// @file
/// Which trial asynchronous successive halving trains next.

#include <cstddef>
#include <optional>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// Asynchronous successive halving (ASHA): Li et al., "A System for Massively Parallel Hyperparameter Tuning"
/// (2020), algorithm 2. A trial is trained to the first rung; of the trials that have come to a rung the best
/// 1/reduction are trained on to the next one, as soon as they are known to be among these, so that nobody
/// waits for a rung to fill. Knows nothing of steps, processes and files.
class Halving {
 public:
  /// A trial, and the rung that it is trained to. Both count from 0.
  struct Step {
    std::size_t trial = 0;
    std::size_t rung = 0;
    bool operator==(const Step&) const = default;
  };

  /// `rungs` >= 1, `reduction` >= 2.
  Halving(std::size_t trials, std::size_t rungs, std::size_t reduction);

  /// The best trial of the highest rung that is due for promotion; without one, the next trial that has not
  /// begun; without one, nothing. Equal scores: the earlier trial.
  std::optional<Step> next() const;
  /// The step is at work, and is not next() any more.
  void assign(Step step);
  /// The trial has come to the rung that it was assigned. A score that is no number is below all others.
  void score(std::size_t trial, double score);
  /// The trial cannot come to the rung that it was assigned: it counts there, below all others.
  void fail(std::size_t trial);

  std::size_t trials() const { return trials_.size(); }
  std::size_t rungs() const { return rungs_; }
  /// How many rungs the trial was assigned.
  std::size_t assigned(std::size_t trial) const { return trials_[trial].assigned; }
  /// Those of the rungs that it has come to, the lowest rung first.
  const std::vector<double>& scores(std::size_t trial) const { return trials_[trial].scores; }
  bool has_failed(std::size_t trial) const { return trials_[trial].failed; }

 private:
  struct Trial {
    std::size_t assigned = 0;
    std::vector<double> scores;
    bool failed = false;
  };

  std::optional<std::size_t> promotable(std::size_t rung) const;

  std::vector<Trial> trials_;
  std::size_t rungs_;
  std::size_t reduction_;
};

}  // namespace run
}  // namespace genkidama
