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

namespace genkidama::cli {

/// Holds the merged weights to their limits and averages them over time. Any thread.
class MergeWatch {
 public:
  struct Divergence {
    std::uint64_t update = 0;
    std::string text;  ///< as find_divergence()
  };

  /// `max_norm` as in find_divergence(); `average` is gone on with.
  MergeWatch(ParameterLayout layout, double max_norm, PolicyAverage average);

  /// False once the weights have diverged: this merge and those after it are not to be kept. `share_done` as
  /// in PolicyAverage::add().
  bool follow(const ParentUpdate& update, double share_done);

  /// The first merge that was not sound.
  std::optional<Divergence> divergence() const;
  PolicyAverage average() const;

 private:
  const ParameterLayout layout_;
  const double max_norm_;
  mutable std::mutex mutex_;
  PolicyAverage average_;
  std::optional<Divergence> divergence_;
};

}  // namespace genkidama::cli
