#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "genkidama/rl/behaviour.h"
#include "rl/behaviour/masked_choice.h"
#include "rl/behaviour/noise_correlation.h"

namespace genkidama {
namespace {

/// The first of the largest logits that the mask allows.
std::size_t likeliest(std::span<const float> logits, ActionMask mask) {
  std::size_t best = 0;
  while (!is_allowed(mask, best)) ++best;
  for (std::size_t i = best + 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best] && is_allowed(mask, i)) best = i;
  }
  return best;
}

/// The softmax of one row of logits, not divided by its total; 0 for what the mask forbids.
class Exponentials {
 public:
  Exponentials(std::span<const float> logits, ActionMask mask)
      : logits_(logits), mask_(mask), largest_(logits[likeliest(logits, mask)]) {
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const float value = compute(i);
      if (i < few_.size()) few_[i] = value;
      total_ += value;
    }
  }

  float operator[](std::size_t i) const { return i < few_.size() ? few_[i] : compute(i); }
  float total() const { return total_; }
  float log_probability(std::size_t i) const { return logits_[i] - largest_ - std::log(total_); }

 private:
  float compute(std::size_t i) const { return is_allowed(mask_, i) ? std::exp(logits_[i] - largest_) : 0; }

  std::span<const float> logits_;
  ActionMask mask_;
  float largest_;
  float total_ = 0;
  std::array<float, 16> few_;  // those of most tasks, so that each is computed once
};

/// The alternative at `share`, in [0, 1), of the distribution.
std::size_t at(double share, const Exponentials& exponentials, std::size_t count, ActionMask mask) {
  double left = share * exponentials.total();
  for (std::size_t i = 0; i + 1 < count; ++i) {
    left -= exponentials[i];
    if (left < 0) return i;
  }
  // The last one that is allowed, also where rounding has left something over.
  std::size_t last = count - 1;
  while (!is_allowed(mask, last)) --last;
  return last;
}

class Categorical final : public Behaviour {
 public:
  Categorical(double epsilon, double noise_correlation)
      : epsilon_(epsilon), noise_correlation_(noise_correlation) {
    check_noise_correlation(noise_correlation);
  }

  void start_episode() override { share_.reset(); }

  void act(std::span<const float> outputs, ActionMask mask, Acting acting, Random& random,
           std::span<float> chosen, float& log_probability) const override {
    if (acting == Acting::kGreedy) {
      chosen[0] = static_cast<float>(likeliest(outputs, mask));
      log_probability = 0;
      return;
    }
    const double epsilon = acting == Acting::kExploring ? epsilon_ : 0;
    const Exponentials exponentials(outputs, mask);
    const std::size_t choice = epsilon > 0 && random.uniform() < epsilon
                                   ? draw_allowed(outputs.size(), mask, random)
                                   : at(draw_share(acting, random), exponentials, outputs.size(), mask);
    chosen[0] = static_cast<float>(choice);
    log_probability = exponentials.log_probability(choice);
    if (epsilon > 0) {
      const std::size_t allowed = allowed_count(outputs.size(), mask);
      const double sampled = (1 - epsilon) * exponentials[choice] / exponentials.total();
      log_probability = static_cast<float>(std::log(sampled + epsilon / static_cast<double>(allowed)));
    }
  }

  std::string description() const override { return "categorical"; }

 private:
  /// Keeps the share of the step before with the chance that was asked for, so that each share alone is drawn
  /// from the same distribution as without.
  double draw_share(Acting acting, Random& random) const {
    if (noise_correlation_ == 0 || acting != Acting::kExploring) return random.uniform();
    const bool keeps = share_ && random.uniform() < noise_correlation_;
    if (!keeps) share_ = random.uniform();
    return *share_;
  }

  double epsilon_;
  double noise_correlation_;
  mutable std::optional<double> share_;  ///< of the episode's latest step; empty at its start
};

}  // namespace

std::unique_ptr<Behaviour> categorical(double epsilon, double noise_correlation) {
  return std::make_unique<Categorical>(epsilon, noise_correlation);
}

}  // namespace genkidama
