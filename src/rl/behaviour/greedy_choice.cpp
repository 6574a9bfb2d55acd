#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/rl/behaviour.h"
#include "rl/behaviour/masked_choice.h"

namespace genkidama {
namespace {

class GreedyChoice final : public Behaviour {
 public:
  GreedyChoice(std::function<double()> epsilon, std::size_t outputs_each)
      : epsilon_(std::move(epsilon)), outputs_each_(outputs_each) {}

  void act(std::span<const float> outputs, ActionMask mask, Acting acting, Random& random,
           std::span<float> chosen, float& log_probability) const override {
    const std::size_t count = outputs.size() / outputs_each_;
    const double epsilon = acting == Acting::kExploring && epsilon_ ? epsilon_() : 0;
    const std::size_t best = best_of(outputs, count, mask);
    const std::size_t choice =
        epsilon > 0 && random.uniform() < epsilon ? draw_allowed(count, mask, random) : best;
    chosen[0] = static_cast<float>(choice);
    log_probability = 0;
    if (epsilon == 0) return;
    const double at_random = epsilon / static_cast<double>(allowed_count(count, mask));
    log_probability = static_cast<float>(std::log(at_random + (choice == best ? 1 - epsilon : 0)));
  }

  std::string description() const override {
    return outputs_each_ == 1 ? "greedy" : fmt::format("greedy {}", outputs_each_);
  }

 private:
  std::size_t best_of(std::span<const float> outputs, std::size_t count, ActionMask mask) const {
    std::size_t best = count;
    float largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_allowed(mask, i)) continue;
      float sum = 0;
      for (const float output : outputs.subspan(i * outputs_each_, outputs_each_)) sum += output;
      if (best != count && !(sum > largest)) continue;
      best = i;
      largest = sum;
    }
    return best;
  }

  std::function<double()> epsilon_;
  std::size_t outputs_each_;
};

}  // namespace

std::unique_ptr<Behaviour> greedy_choice(std::function<double()> epsilon, int outputs_each) {
  if (outputs_each < 1) {
    throw ArgumentError(
        fmt::format("{} outputs for each alternative of a greedy choice; expected at least 1", outputs_each));
  }
  return std::make_unique<GreedyChoice>(std::move(epsilon), static_cast<std::size_t>(outputs_each));
}

}  // namespace genkidama
