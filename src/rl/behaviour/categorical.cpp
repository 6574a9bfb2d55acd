#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "genkidama/rl/behaviour.h"

namespace genkidama {
namespace {

/// The softmax of one row of logits, not divided by its total.
class Exponentials {
 public:
  explicit Exponentials(std::span<const float> logits)
      : logits_(logits), largest_(*std::max_element(logits.begin(), logits.end())) {
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const float value = std::exp(logits[i] - largest_);
      if (i < few_.size()) few_[i] = value;
      total_ += value;
    }
  }

  float operator[](std::size_t i) const {
    return i < few_.size() ? few_[i] : std::exp(logits_[i] - largest_);
  }
  float total() const { return total_; }
  float log_probability(std::size_t i) const { return logits_[i] - largest_ - std::log(total_); }

 private:
  std::span<const float> logits_;
  float largest_;
  float total_ = 0;
  std::array<float, 16> few_;  // those of most tasks, so that each is computed once
};

std::size_t draw(const Exponentials& exponentials, std::size_t count, Random& random) {
  double left = random.uniform() * exponentials.total();
  for (std::size_t i = 0; i + 1 < count; ++i) {
    left -= exponentials[i];
    if (left < 0) return i;
  }
  return count - 1;
}

class Categorical final : public Behaviour {
 public:
  explicit Categorical(double epsilon) : epsilon_(epsilon) {}

  void act(std::span<const float> outputs, Acting acting, Random& random, std::span<float> action,
           float& log_probability) const override {
    if (acting == Acting::kGreedy) {
      const auto likeliest = std::max_element(outputs.begin(), outputs.end()) - outputs.begin();
      action[0] = static_cast<float>(likeliest);
      log_probability = 0;
      return;
    }
    const double epsilon = acting == Acting::kExploring ? epsilon_ : 0;
    const Exponentials exponentials(outputs);
    const std::size_t choice = epsilon > 0 && random.uniform() < epsilon
                                   ? static_cast<std::size_t>(random.below(outputs.size()))
                                   : draw(exponentials, outputs.size(), random);
    action[0] = static_cast<float>(choice);
    log_probability = exponentials.log_probability(choice);
    if (epsilon > 0) {
      const double sampled = (1 - epsilon) * exponentials[choice] / exponentials.total();
      log_probability = static_cast<float>(std::log(sampled + epsilon / static_cast<double>(outputs.size())));
    }
  }

 private:
  double epsilon_;
};

}  // namespace

std::unique_ptr<Behaviour> categorical(double epsilon) {
  return std::make_unique<Categorical>(epsilon);
}

}  // namespace genkidama
