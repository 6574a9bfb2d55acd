#include "genkidama/env/process_environment.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "core/rate_limit.h"
#include "env/process/foreign_session.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/log.h"

namespace genkidama {
namespace {

constexpr double kWarningsPerSecond = 0.2;
constexpr double kWarningsAtOnce = 10;

std::string shown_name(const ProcessEnvironmentOptions& options) {
  if (!options.name.empty()) return options.name;
  return options.command.empty() ? "" : std::filesystem::path(options.command.front()).filename().string();
}

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

bool is_same(const EnvironmentSpec& a, const EnvironmentSpec& b) {
  return a.observation_shape == b.observation_shape && a.action_space == b.action_space &&
         a.masks_actions == b.masks_actions && a.metrics == b.metrics && a.time_limit == b.time_limit;
}

class ProcessEnvironment final : public Environment {
 public:
  ProcessEnvironment(ProcessEnvironmentOptions options, const EnvironmentContext& context)
      : options_(std::move(options)), context_(context) {
    check(options_);
    name_ = shown_name(options_);
    for (int attempt = 1; !session_; ++attempt) {
      try {
        start();
      } catch (const ForeignFault& fault) {
        // A program that is only asked what it is need not be asked twice.
        const bool once = context_.purpose == EnvironmentPurpose::kDescribe;
        if (fault.kind != ForeignFault::Kind::kGone || once || attempt >= options_.max_failures_at_reset) {
          throw ArgumentError(fmt::format("environment '{}': its process {}; its command is '{}'", name_,
                                          fault.what(), fmt::join(options_.command, " ")));
        }
        warn("its process {}; it is started again", fault.what());
      }
    }
    spec_ = session_->spec();
    name_ = spec_.name;
    observation_.resize(static_cast<std::size_t>(spec_.observation_size));
  }

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    if (context_.purpose == EnvironmentPurpose::kDescribe) {
      throw ArgumentError(
          fmt::format("environment '{}': reset() called, but it was made only to be described", name_));
    }
    for (int attempt = 1;; ++attempt) {
      try {
        if (!session_) start_again();
        session_->memory().seed(0) = seed;
        session_->memory().command(0) = GENKIDAMA_RESET;
        session_->take_turn(options_.reset_timeout);
        take_observation("reset()");
        take_mask();
        steps_ = 0;
        is_playing_ = true;
        return observation_;
      } catch (const ForeignFault& fault) {
        const std::string text = end_session(fault);
        if (attempt >= options_.max_failures_at_reset) {
          throw Error(
              fmt::format("environment '{}': its process failed {} times in a row before an episode had "
                          "started; at last it {}",
                          name_, attempt, text));
        }
        warn("its process {} in reset(); it is started again", text);
      }
    }
  }

  ActionMask action_mask() const override { return mask_; }

  StepResult step(Action action) override {
    if (!session_ || !is_playing_) {
      throw ArgumentError(fmt::format("environment '{}': step() called outside an episode", name_));
    }
    check_action(name_, spec_.action_space, action);
    try {
      const ForeignMemory& memory = session_->memory();
      std::memcpy(memory.action(0).data(), action.data(), action.size_bytes());
      memory.command(0) = GENKIDAMA_STEP;
      session_->take_turn(options_.step_timeout);
      return result();
    } catch (const ForeignFault& fault) {
      return lost(end_session(fault));
    }
  }

 private:
  template <typename... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    if (!warnings_.allow(Clock::now())) return;
    log(LogLevel::kWarning, "environment '{}': {}", name_, fmt::format(format, std::forward<Args>(args)...));
  }

  void start() { session_ = std::make_unique<ForeignSession>(options_, name_, context_); }

  void start_again() {
    start();
    if (is_same(session_->spec(), spec_)) return;
    session_.reset();
    throw ArgumentError(
        fmt::format("environment '{}': its process was started again and describes another environment than "
                    "before; expected the same",
                    name_));
  }

  /// Ends what has failed. Returns what happened, in words.
  std::string end_session(const ForeignFault& fault) {
    is_playing_ = false;
    std::string ending;
    if (session_) ending = session_->kill();
    session_.reset();
    return *fault.what() != '\0' ? fault.what() : ending;
  }

  /// Copies the observation first: the process could change it after it was checked.
  void take_observation(const char* source) {
    const auto given = session_->memory().observation(0);
    next_.assign(given.begin(), given.end());
    for (std::size_t i = 0; i < next_.size(); ++i) {
      if (is_finite(next_[i])) continue;
      throw ForeignFault(ForeignFault::Kind::kGone,
                         fmt::format("gave {} as observation value {} of {}", next_[i], i, source));
    }
    observation_.swap(next_);
  }

  void take_mask() {
    if (!spec_.masks_actions) return;
    const auto given = session_->memory().mask(0);
    mask_.assign(given.begin(), given.end());
    try {
      check_action_mask("it", spec_.action_space, mask_);
    } catch (const ArgumentError& error) {
      throw ForeignFault(ForeignFault::Kind::kGone,
                         fmt::format("gave a mask that cannot be: {}", error.what()));
    }
  }

  std::span<const float> take_metrics() {
    const auto given = session_->memory().metrics(0);
    metrics_.assign(given.begin(), given.end());
    for (std::size_t i = 0; i < metrics_.size(); ++i) {
      if (is_finite(metrics_[i])) continue;
      throw ForeignFault(ForeignFault::Kind::kGone,
                         fmt::format("gave {} as metric '{}'", metrics_[i], spec_.metrics[i]));
    }
    return metrics_;
  }

  StepResult result() {
    StepResult result;
    const ForeignMemory& memory = session_->memory();
    const std::uint8_t ends = memory.ends(0);
    result.reward = memory.reward(0);
    if (!is_finite(result.reward) || ends > (GENKIDAMA_TERMINATED | GENKIDAMA_TRUNCATED)) {
      throw ForeignFault(ForeignFault::Kind::kGone,
                         fmt::format("gave the reward {} and the ends {} in step()", result.reward, ends));
    }
    take_observation("step()");
    result.observation = observation_;
    result.terminated = (ends & GENKIDAMA_TERMINATED) != 0;
    result.truncated = (ends & GENKIDAMA_TRUNCATED) != 0 && !result.terminated;
    if (++steps_ >= spec_.time_limit && !result.terminated) result.truncated = true;
    mask_.clear();
    if (!result.terminated) take_mask();
    is_playing_ = !result.terminated && !result.truncated;
    if (!is_playing_ && !spec_.metrics.empty()) result.metrics = take_metrics();
    if (!is_playing_) lost_in_a_row_ = 0;
    return result;
  }

  StepResult lost(const std::string& text) {
    ++lost_;
    if (++lost_in_a_row_ >= options_.max_lost_episodes_in_a_row) {
      throw Error(
          fmt::format("environment '{}': {} episodes in a row were lost and none ended; at last its process "
                      "{} in step()",
                      name_, lost_in_a_row_, text));
    }
    warn("its process {} in step(); the episode is lost (lost so far: {}), and the process is started again",
         text, lost_);
    StepResult result;
    result.observation = observation_;
    result.truncated = true;
    result.lost = true;
    return result;
  }

  ProcessEnvironmentOptions options_;
  EnvironmentContext context_;
  std::string name_;  ///< for messages
  EnvironmentSpec spec_;
  std::unique_ptr<ForeignSession> session_;
  std::vector<float> observation_;
  std::vector<float> next_;
  std::vector<std::uint8_t> mask_;
  std::vector<float> metrics_;
  std::uint64_t lost_ = 0;
  int lost_in_a_row_ = 0;
  int steps_ = 0;
  bool is_playing_ = false;
  RateLimit warnings_{kWarningsPerSecond, kWarningsAtOnce};
};

}  // namespace

std::unique_ptr<Environment> make_process_environment(ProcessEnvironmentOptions options,
                                                      const EnvironmentContext& context) {
  return std::make_unique<ProcessEnvironment>(std::move(options), context);
}

}  // namespace genkidama
