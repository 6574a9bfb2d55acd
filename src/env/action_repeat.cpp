#include "genkidama/env/action_repeat.h"

#include <fmt/format.h>

#include <utility>

#include "env/time_limit.h"
#include "genkidama/core/error.h"
#include "genkidama/env/wrapped_environment.h"

namespace genkidama {
namespace {

constexpr int kMostTimes = 1000;

class ActionRepeat final : public WrappedEnvironment {
 public:
  ActionRepeat(std::unique_ptr<Environment> inner, int times)
      : WrappedEnvironment(std::move(inner), "make_action_repeat()"), times_(times) {
    EnvironmentSpec changed = spec();
    if (times < 1 || times > kMostTimes) {
      throw ArgumentError(fmt::format("make_action_repeat() of '{}': {} times given, expected 1 to {}",
                                      changed.name, times, kMostTimes));
    }
    if (changed.time_limit != kNoTimeLimit) changed.time_limit = (changed.time_limit - 1) / times + 1;
    set_spec(std::move(changed));
  }

  StepResult step(Action action) override {
    StepResult result;
    double reward = 0;
    for (int i = 0; i < times_ && !result.terminated && !result.truncated; ++i) {
      if (i > 0 && forbidden_choice(spec().action_space, inner().action_mask(), action)) break;
      result = inner().step(action);
      reward += result.reward;
    }
    result.observation = observe(result.observation);
    result.reward = static_cast<float>(reward);
    return result;
  }

 private:
  int times_;
};

}  // namespace

std::unique_ptr<Environment> make_action_repeat(std::unique_ptr<Environment> environment, int times) {
  return std::make_unique<ActionRepeat>(std::move(environment), times);
}

}  // namespace genkidama
