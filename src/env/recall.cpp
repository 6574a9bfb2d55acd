#include "genkidama/env/recall.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace genkidama {
namespace {

constexpr int kMostCues = 1000;
constexpr int kLongestDelay = 1'000'000;

class Recall final : public DiscreteEnvironment {
 public:
  explicit Recall(const RecallOptions& options) : options_(options) {
    spec_.name = fmt::format("Recall ({} cues, {} steps)", options.cues, options.delay);
    spec_.observation_size = options.cues + 1;
    spec_.action_count = options.cues;
    spec_.time_limit = options.delay + 1;
    spec_.repeatable = true;
    spec_.reward_threshold = 0.99;
    observation_.resize(static_cast<std::size_t>(spec_.observation_size));
  }

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    cue_ = static_cast<int>(Random(seed).below(static_cast<std::uint64_t>(options_.cues)));
    steps_ = 0;
    return show(cue_);
  }

  StepResult step(int action) override {
    if (action < 0 || action >= options_.cues) {
      throw ArgumentError(
          fmt::format("{}: action {} given, expected 0 to {}", spec_.name, action, options_.cues - 1));
    }
    StepResult result;
    result.terminated = steps_ == options_.delay;
    result.reward = result.terminated && action == cue_ ? 1 : 0;
    ++steps_;
    result.observation = steps_ == options_.delay ? show(options_.cues) : show_nothing();
    return result;
  }

 private:
  Observation show_nothing() {
    std::fill(observation_.begin(), observation_.end(), 0.0f);
    return observation_;
  }

  Observation show(int component) {
    show_nothing();
    observation_[static_cast<std::size_t>(component)] = 1;
    return observation_;
  }

  RecallOptions options_;
  EnvironmentSpec spec_;
  std::vector<float> observation_;
  int cue_ = 0;
  int steps_ = 0;
};

void check(const char* field, int value, int least, int most) {
  if (value < least || value > most) {
    throw ArgumentError(fmt::format("RecallOptions::{} is {}, expected {} to {}", field, value, least, most));
  }
}

}  // namespace

std::unique_ptr<Environment> make_recall(const RecallOptions& options) {
  check("cues", options.cues, 2, kMostCues);
  check("delay", options.delay, 1, kLongestDelay);
  return std::make_unique<Recall>(options);
}

}  // namespace genkidama
