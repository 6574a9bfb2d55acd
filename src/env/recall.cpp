#include "genkidama/env/recall.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "env/drawn/shapes.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace genkidama {
namespace {

constexpr int kMostCues = 1000;
constexpr int kLongestDelay = 1'000'000;

constexpr Colour kDesk{236, 238, 242};
constexpr Colour kLampOff{196, 202, 212};
constexpr Colour kLampOn{240, 176, 64};
constexpr Colour kRight{88, 168, 112};
constexpr Colour kWrong{208, 84, 78};
constexpr Colour kTime{96, 124, 168};

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
    answer_ = -1;
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
    if (result.terminated) answer_ = action;
    ++steps_;
    result.observation = steps_ == options_.delay ? show(options_.cues) : show_nothing();
    return result;
  }

  /// A lamp for each cue, in rows; below them how much of the delay is over. What is asked for is shown by a
  /// question mark, and the answer by green, or by red beside the cue.
  void draw(Canvas& canvas) const override {
    const int columns = static_cast<int>(std::ceil(std::sqrt(1.5 * options_.cues)));
    const int rows = (options_.cues + columns - 1) / columns;
    const double width = columns + 1, height = rows + 2;
    canvas.view({0, 0, static_cast<float>(width), static_cast<float>(height), 0.25F}, kDesk);
    for (int cue = 0; cue < options_.cues; ++cue)
      canvas.circle(drawn::at(cue % columns + 1, height - 1 - cue / columns), 0.36F, lamp_of(cue));
    const double over = std::min(1.0, static_cast<double>(steps_) / options_.delay);
    drawn::box(canvas, 0.5, 0.4, width - 0.5, 0.6, kLampOff);
    if (over > 0) drawn::box(canvas, 0.5, 0.4, 0.5 + over * (width - 1), 0.6, kTime);
    if (steps_ == options_.delay) canvas.text(drawn::at(width / 2 - 0.15, 0.8), 0.5F, "?", kTime);
  }

 private:
  Colour lamp_of(int cue) const {
    if (cue == answer_) return answer_ == cue_ ? kRight : kWrong;
    const bool is_shown = cue == cue_ && (steps_ == 0 || answer_ >= 0);
    return is_shown ? kLampOn : kLampOff;
  }

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
  int answer_ = -1;  ///< below 0: none yet
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
