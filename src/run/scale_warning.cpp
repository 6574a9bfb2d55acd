#include "run/scale_warning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "genkidama/core/is_finite.h"
#include "genkidama/core/log.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama::run {
namespace {

constexpr double kLargeValueLoss = 1e8;  // the square of 10,000
constexpr double kLargeReturn = 1e4;
// Networks that learn stay below 1.
constexpr double kLargeWeight = 5;

double largest_return(const RoundReport& round) {
  double largest = 0;
  for (const EpisodeResult& episode : round.episodes) {
    largest = std::max(largest, std::abs(episode.episode_return));
  }
  return largest;
}

std::string advice(const RoundReport& round, const RunOptions& options) {
  if (largest_return(round) > kLargeReturn) {
    return fmt::format(
        "rewards are too large to learn from: choose {} so that it makes returns of about 1 to 100",
        options.name_of("reward_scale"));
  }
  return fmt::format("learning is not stable: lower {}, set {}, or lower {} if it is above 1",
                     options.name_of("learning_rate"), options.name_of("max_gradient_norm"),
                     options.name_of("reward_scale"));
}

}  // namespace

void ScaleWarning::follow(const RoundReport& round, const RunOptions& options) {
  if (warned_ || (is_finite(round.value_loss) && round.value_loss < kLargeValueLoss)) return;
  warned_ = true;
  log(LogLevel::kWarning, "the value loss is {:.2g}, and returns are up to {:.2g} in size; {}",
      round.value_loss, largest_return(round), advice(round, options));
}

void ScaleWarning::follow_weights(std::span<const float> weights, std::uint64_t update,
                                  const RunOptions& options) {
  if (warned_of_weights_ || weights.empty()) return;
  const double size = euclidean_norm(weights) / std::sqrt(static_cast<double>(weights.size()));
  // Of weights that are not finite an error tells.
  if (!is_finite(size) || size <= kLargeWeight) return;
  warned_of_weights_ = true;
  log(LogLevel::kWarning,
      "the weights are {:.2g} in size after update {} (root mean square; those of a network that learns stay "
      "below 1): learning is not stable: lower {}, or set {}, and begin again",
      size, update, options.name_of("learning_rate"), options.name_of("max_gradient_norm"));
}

}  // namespace genkidama::run
