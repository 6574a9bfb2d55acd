#pragma once

// What observations and rewards are normalised with.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/params/running_statistics.h"

namespace genkidama {

/// Which of a policy's inputs are normalised, and with what. It stays the same during a round, an evaluation
/// and in a policy file.
struct Normalisation {
  bool observations = false;  ///< the network is given (x - mean) / deviation, cut to +-clip
  bool rewards = false;       ///< rewards are learnt from divided by the deviation of the discounted return
  double clip = 10;           ///< > 0
  /// The components of an observation, and then the discounted return.
  RunningStatistics statistics;

  /// Components for observations of so many floats.
  static std::size_t components(std::size_t observation_size) { return observation_size + 1; }
};

/// For PolicyDescription::normalisation: "none", "observations 10", "rewards" or "observations 10 rewards".
std::string normalisation_description(const Normalisation& normalisation);
/// For the metadata of a policy file: "observations rewards 10".
std::string normalisation_kind_text(const Normalisation& normalisation);
/// For the same: all numbers of the statistics, with as many digits as it takes to read the same bits again.
std::string statistics_text(const RunningStatistics& statistics);
/// Reads both back; nothing when one of them is not what was written, or not for observations of this size.
std::optional<Normalisation> read_normalisation(const std::string& kind, const std::string& statistics,
                                                std::size_t observation_size);

/// Applies a Normalisation. It is written to an array of numbers that processes share, and read from there.
class Normaliser {
 public:
  /// Numbers in the array.
  static std::size_t shared_size(std::size_t observation_size) { return 2 + 2 * observation_size; }
  /// Writes the array. Without observations that were counted, nothing is normalised.
  static void write(const Normalisation& normalisation, std::span<double> shared);

  /// Leaves everything as it is.
  Normaliser() = default;
  /// Reads the array.
  explicit Normaliser(std::span<const double> shared);
  /// Does what the Normalisation says.
  Normaliser(const Normalisation& normalisation, std::size_t observation_size);

  /// Whether observations are normalised.
  bool changes_observations() const { return clip_ > 0; }
  /// Fills `normalised` with the normalised `observation`; changes_observations() is true.
  void apply(std::span<const float> observation, std::span<float> normalised) const;
  /// normalised = clamp((observation - means()) * scales(), -clip(), clip()), in double precision; nothing
  /// and 0 where observations stay as they are.
  std::span<const double> means() const { return mean_; }
  std::span<const double> scales() const { return scale_; }
  double clip() const { return clip_; }
  /// What rewards are multiplied by; 1 when they are not normalised.
  float reward_scale() const { return reward_scale_; }

 private:
  double clip_ = 0;
  float reward_scale_ = 1;
  std::vector<double> mean_;
  std::vector<double> scale_;
};

}  // namespace genkidama
