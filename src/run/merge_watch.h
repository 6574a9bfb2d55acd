#pragma once

/// @file
/// What must be done with every merge at once, on the Parent's own thread.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "genkidama/net/parent.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/policy_average.h"
#include "genkidama/run/run_options.h"

namespace genkidama::run {

/// Holds the merged weights to their limits and averages them over time. Any thread.
class MergeWatch {
 public:
  struct Divergence {
    std::uint64_t update = 0;
    std::string text;  ///< as find_divergence()
  };

  /// `options` as in find_divergence(); `average` is gone on with.
  MergeWatch(ParameterLayout layout, RunOptions options, PolicyAverage average);

  /// False once the weights have diverged: this merge and those after it are not to be kept. `share_done` as
  /// in PolicyAverage::add().
  bool follow(const ParentUpdate& update, double share_done);

  /// The first merge that was not sound.
  std::optional<Divergence> divergence() const;
  PolicyAverage average() const;

 private:
  const ParameterLayout layout_;
  const RunOptions options_;
  mutable std::mutex mutex_;
  PolicyAverage average_;
  std::optional<Divergence> divergence_;
};

}  // namespace genkidama::run
