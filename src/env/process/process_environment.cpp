#include "genkidama/env/process_environment.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "env/process/foreign_group.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/log.h"

namespace genkidama {
namespace {

// As many environments as a worker may have.
constexpr int kMostPerProcess = 1024;
constexpr int kMostEqualFaults = 10;

void check(const ProcessEnvironmentOptions& options) {
  if (options.command.empty() || options.command.front().empty()) {
    throw ArgumentError("ProcessEnvironmentOptions::command is empty; expected a program and its arguments");
  }
  const auto check_above_0 = [](const char* field, std::int64_t value) {
    if (value > 0) return;
    throw ArgumentError(
        fmt::format("ProcessEnvironmentOptions::{} is {}, expected at least 1", field, value));
  };
  check_above_0("start_timeout", options.start_timeout.count());
  check_above_0("reset_timeout", options.reset_timeout.count());
  check_above_0("step_timeout", options.step_timeout.count());
  check_above_0("max_failures_at_reset", options.max_failures_at_reset);
  check_above_0("max_lost_episodes_in_a_row", options.max_lost_episodes_in_a_row);
  if (options.end_timeout < Milliseconds{0}) {
    throw ArgumentError(fmt::format("ProcessEnvironmentOptions::end_timeout is {} ms, expected at least 0",
                                    options.end_timeout.count()));
  }
  const auto is_bad = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  for (const std::string& word : options.command) {
    if (is_bad(word)) throw ArgumentError("ProcessEnvironmentOptions::command has a zero byte in a word");
  }
  for (const auto& [name, value] : options.variables) {
    if (name.empty() || name.find('=') != std::string::npos || is_bad(name) || is_bad(value)) {
      throw ArgumentError(
          fmt::format("ProcessEnvironmentOptions::variables names a variable '{}', expected a name without = "
                      "and zero bytes",
                      name));
    }
  }
}

class ProcessEnvironment final : public Environment {
 public:
  /// `group` serves it as the environment of this number.
  ProcessEnvironment(std::shared_ptr<ForeignGroup> group, std::size_t number, EnvironmentPurpose purpose)
      : group_(std::move(group)),
        number_(number),
        purpose_(purpose),
        options_(group_->options()),
        spec_(group_->spec()),
        observation_(static_cast<std::size_t>(spec_.observation_size)) {}

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    if (purpose_ == EnvironmentPurpose::kDescribe) {
      throw ArgumentError(
          fmt::format("environment '{}': reset() called, but it was made only to be described", spec_.name));
    }
    is_playing_ = false;
    for (int attempt = 1;; ++attempt) {
      try {
        ForeignGroup::Given& given = group_->reset(number_, seed);
        take_observation(given);
        take_mask(given);
        steps_ = 0;
        start_ = group_->running();
        is_playing_ = true;
        return observation_;
      } catch (const ForeignFault& fault) {
        const std::string text = group_->end(fault);
        if (attempt >= options_.max_failures_at_reset) {
          throw Error(
              fmt::format("environment '{}': its process failed {} times in a row before an episode had "
                          "started; at last it {}",
                          spec_.name, attempt, text));
        }
        warn("its process {} in reset(); it is started again", text);
      }
    }
  }

  ActionMask action_mask() const override { return mask_; }

  void prepare_step(Action action) override {
    check_step(action);
    if (lives()) group_->prepare(number_, action);
  }

  StepResult step(Action action) override {
    check_step(action);
    is_playing_ = false;
    if (!lives()) return lost("ended in a turn of another environment that it serves", /*is_news=*/false);
    try {
      return result(group_->step(number_, action));
    } catch (const ForeignFault& fault) {
      return lost(group_->end(fault), /*is_news=*/true);
    }
  }

 private:
  template <typename... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    if (!group_->may_warn()) return;
    log(LogLevel::kWarning, "environment '{}': {}", spec_.name,
        fmt::format(format, std::forward<Args>(args)...));
  }

  /// Whether the process in which the episode began still runs.
  bool lives() const { return start_ == group_->running(); }

  void check_step(Action action) const {
    if (!is_playing_) {
      throw ArgumentError(fmt::format("environment '{}': step() called outside an episode", spec_.name));
    }
    check_action(spec_.name, spec_.action_space, action);
  }

  void take_observation(ForeignGroup::Given& given) {
    for (std::size_t i = 0; i < given.observation.size(); ++i) {
      if (is_finite(given.observation[i])) continue;
      throw ForeignFault(ForeignFault::Kind::kGone,
                         fmt::format("gave {} as observation value {}", given.observation[i], i));
    }
    observation_.swap(given.observation);
  }

  void take_mask(ForeignGroup::Given& given) {
    if (!spec_.masks_actions) return;
    mask_.swap(given.mask);
    try {
      check_action_mask("gave a mask that cannot be", spec_.action_space, mask_);
    } catch (const ArgumentError& error) {
      throw ForeignFault(ForeignFault::Kind::kGone, error.what());
    }
  }

  std::span<const float> take_metrics(ForeignGroup::Given& given) {
    metrics_.swap(given.metrics);
    for (std::size_t i = 0; i < metrics_.size(); ++i) {
      if (is_finite(metrics_[i])) continue;
      throw ForeignFault(ForeignFault::Kind::kGone,
                         fmt::format("gave {} as metric '{}'", metrics_[i], spec_.metrics[i]));
    }
    return metrics_;
  }

  StepResult result(ForeignGroup::Given& given) {
    StepResult result;
    result.reward = given.reward;
    if (!is_finite(result.reward) || given.ends > (GENKIDAMA_TERMINATED | GENKIDAMA_TRUNCATED)) {
      throw ForeignFault(ForeignFault::Kind::kGone,
                         fmt::format("gave the reward {} and the ends {}", result.reward, given.ends));
    }
    take_observation(given);
    result.observation = observation_;
    result.terminated = (given.ends & GENKIDAMA_TERMINATED) != 0;
    result.truncated = (given.ends & GENKIDAMA_TRUNCATED) != 0 && !result.terminated;
    if (++steps_ >= spec_.time_limit && !result.terminated) result.truncated = true;
    mask_.clear();
    if (!result.terminated) take_mask(given);
    is_playing_ = !result.terminated && !result.truncated;
    if (!is_playing_ && !spec_.metrics.empty()) result.metrics = take_metrics(given);
    if (!is_playing_) lost_in_a_row_ = 0;
    equal_faults_ = 0;
    return result;
  }

  /// `is_news`: nobody was told yet of the process' end.
  StepResult lost(const std::string& text, bool is_news) {
    is_playing_ = false;
    const std::uint64_t so_far = group_->count_lost();
    if (is_news) check_passing(text);
    if (++lost_in_a_row_ >= options_.max_lost_episodes_in_a_row) {
      throw Error(
          fmt::format("environment '{}': {} episodes in a row were lost and none ended; at last its process "
                      "{} in step()",
                      spec_.name, lost_in_a_row_, text));
    }
    if (is_news) {
      warn(
          "its process {} in step(); the episode is lost (lost so far: {}), and the process is started again",
          text, so_far);
    }
    StepResult result;
    result.observation = observation_;
    result.truncated = true;
    result.lost = true;
    return result;
  }

  /// A fault that comes back in the first step of every episode is one of the code, and does not pass.
  void check_passing(const std::string& text) {
    if (text != last_fault_) equal_faults_ = 0;
    last_fault_ = text;
    if (++equal_faults_ < kMostEqualFaults) return;
    throw Error(
        fmt::format("environment '{}': its process failed {} times in a row in the first step of an episode, "
                    "always alike: it {} in step()",
                    spec_.name, equal_faults_, text));
  }

  std::shared_ptr<ForeignGroup> group_;
  std::size_t number_;
  EnvironmentPurpose purpose_;
  const ProcessEnvironmentOptions& options_;
  EnvironmentSpec spec_;
  std::uint64_t start_ = 0;  ///< of the program, in which the episode began
  std::vector<float> observation_;
  std::vector<std::uint8_t> mask_;
  std::vector<float> metrics_;
  int lost_in_a_row_ = 0;
  std::string last_fault_;
  int equal_faults_ = 0;  ///< of that text, since the last whole step
  int steps_ = 0;
  bool is_playing_ = false;
};

/// The groups of a factory whose environments share processes.
class Groups {
 public:
  Groups(ProcessEnvironmentOptions options, int size)
      : options_(std::move(options)), size_(static_cast<std::size_t>(size)) {}

  std::unique_ptr<Environment> make(const EnvironmentContext& context) {
    if (context.purpose == EnvironmentPurpose::kDescribe) return make_process_environment(options_, context);
    const std::size_t number = static_cast<std::size_t>(context.index) % size_;
    return std::make_unique<ProcessEnvironment>(group_of(context, number), number, context.purpose);
  }

 private:
  struct Known {
    std::weak_ptr<ForeignGroup> group;
    std::vector<bool> taken;
  };

  std::shared_ptr<ForeignGroup> group_of(const EnvironmentContext& context, std::size_t number) {
    EnvironmentContext first = context;
    first.index -= static_cast<int>(number);
    const std::lock_guard lock(mutex_);
    Known& known = known_[{first.worker, first.index}];
    std::shared_ptr<ForeignGroup> group = known.group.lock();
    if (!group || known.taken[number]) {
      group = std::make_shared<ForeignGroup>(options_, first, size_);
      known = {group, std::vector<bool>(size_)};
    }
    known.taken[number] = true;
    return group;
  }

  ProcessEnvironmentOptions options_;
  std::size_t size_;
  std::mutex mutex_;  ///< workers may be threads
  std::map<std::pair<int, int>, Known> known_;
};

}  // namespace

std::unique_ptr<Environment> make_process_environment(ProcessEnvironmentOptions options,
                                                      const EnvironmentContext& context) {
  check(options);
  return std::make_unique<ProcessEnvironment>(std::make_shared<ForeignGroup>(std::move(options), context, 1),
                                              0, context.purpose);
}

EnvironmentFactory process_environments(ProcessEnvironmentOptions options, int environments_per_process) {
  check(options);
  if (environments_per_process < 1 || environments_per_process > kMostPerProcess) {
    throw ArgumentError(fmt::format("{} environments for each process, expected 1 to {}",
                                    environments_per_process, kMostPerProcess));
  }
  const auto groups = std::make_shared<Groups>(std::move(options), environments_per_process);
  return [groups](const EnvironmentContext& context) { return groups->make(context); };
}

}  // namespace genkidama
