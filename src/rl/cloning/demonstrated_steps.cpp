#include "rl/cloning/demonstrated_steps.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "genkidama/core/random.h"

namespace genkidama {
namespace {

// A return is known where what follows the recording would weigh less.
constexpr double kMostUnknown = 0.05;
constexpr std::uint64_t kDivision = 1;

template <typename T>
void gather_rows(const std::vector<T>& from, std::size_t width, std::span<const std::size_t> rows,
                 std::vector<T>& into) {
  into.resize(rows.size() * width);
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::copy_n(from.data() + rows[i] * width, width, into.data() + i * width);
}

}  // namespace

DemonstratedSteps::DemonstratedSteps(const Demonstrations& given, const Hyperparameters& hyperparameters,
                                     const CloningOptions& options)
    : given_(given),
      normalisation_{hyperparameters.normalise_observations,
                     hyperparameters.normalise_rewards,
                     hyperparameters.observation_clip,
                     {}},
      observation_size_(given.observation_size()) {
  for (const float reward : given.rewards)
    mean_return_ += static_cast<double>(reward) / static_cast<double>(given.episodes());
  if (normalisation_.observations || normalisation_.rewards) compute_statistics(hyperparameters.gamma);
  normaliser_ = Normaliser(normalisation_, observation_size_);
  compute_returns(hyperparameters, options.value_weight);
  divide(options);
}

/// As a worker counts what it plays.
void DemonstratedSteps::compute_statistics(double gamma) {
  normalisation_.statistics = RunningStatistics(Normalisation::components(observation_size_));
  std::vector<float> row(observation_size_ + 1);
  std::size_t t = 0;
  for (const std::size_t length : given_.lengths) {
    double discounted = 0;
    for (const std::size_t end = t + length; t < end; ++t) {
      discounted = gamma * discounted + static_cast<double>(given_.rewards[t]);
      std::copy_n(given_.observations.data() + t * observation_size_, observation_size_, row.data());
      row.back() = static_cast<float>(discounted);
      normalisation_.statistics.add(row);
    }
  }
}

void DemonstratedSteps::compute_returns(const Hyperparameters& hyperparameters, double weight) {
  const std::size_t n = given_.steps();
  const double scale = hyperparameters.reward_scale * static_cast<double>(normaliser_.reward_scale());
  returns_.assign(n, 0.0f);
  value_weights_.assign(n, 0.0f);
  std::size_t end = n, known = 0;
  double sum = 0, squares = 0;
  for (std::size_t episode = given_.episodes(); episode-- > 0;) {
    const std::size_t begin = end - given_.lengths[episode];
    const bool is_whole = given_.terminated[episode] != 0 || !hyperparameters.bootstrap_truncated;
    double discounted = 0, unknown = is_whole ? 0 : 1;
    for (std::size_t t = end; t-- > begin;) {
      discounted = hyperparameters.gamma * discounted + static_cast<double>(given_.rewards[t]) * scale;
      unknown *= hyperparameters.gamma;
      if (unknown > kMostUnknown) continue;
      returns_[t] = static_cast<float>(discounted);
      value_weights_[t] = 1;
      sum += discounted;
      squares += discounted * discounted;
      ++known;
    }
    end = begin;
  }
  if (known == 0 || weight == 0) {
    value_weights_.assign(n, 0.0f);
    return;
  }
  const double mean = sum / static_cast<double>(known), square = squares / static_cast<double>(known);
  // Errors of returns that are nearly alike would drown the actions' gradient until their mean is learnt.
  constexpr double kLeastShare = 0.01;
  double variance = std::max(square - mean * mean, kLeastShare * square);
  if (!(variance > 0)) variance = 1;
  for (float& each : value_weights_) each *= static_cast<float>(weight / variance);
}

void DemonstratedSteps::divide(const CloningOptions& options) {
  const std::size_t episodes = given_.episodes();
  std::vector<std::size_t> order(episodes);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(derive_seed(options.seed, {kDivision}));
  for (std::size_t i = episodes; i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(random.below(i))]);
  auto count = static_cast<std::size_t>(options.held_out * static_cast<double>(episodes));
  if (options.held_out > 0 && episodes > 1) count = std::max<std::size_t>(count, 1);
  std::vector<bool> is_held_out(episodes);
  for (std::size_t i = 0; i < count; ++i) is_held_out[order[i]] = true;
  std::size_t first = 0;
  for (std::size_t i = 0; i < episodes; ++i) {
    (is_held_out[i] ? held_out_ : learnt_).push_back({first, given_.lengths[i]});
    first += given_.lengths[i];
  }
}

void DemonstratedSteps::gather(std::span<const std::size_t> rows, StepColumns& into) const {
  gather_rows(given_.observations, observation_size_, rows, into.observations);
  gather_rows(given_.actions, given_.action_space.width(), rows, into.actions);
  gather_rows(given_.masks, given_.masks.empty() ? 0 : given_.action_space.alternatives(), rows, into.masks);
  gather_rows(returns_, 1, rows, into.returns);
  gather_rows(value_weights_, 1, rows, into.value_weights);
  if (!normaliser_.changes_observations()) return;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    normaliser_.apply(std::span(given_.observations).subspan(rows[i] * observation_size_, observation_size_),
                      std::span(into.observations).subspan(i * observation_size_, observation_size_));
  }
}

}  // namespace genkidama
