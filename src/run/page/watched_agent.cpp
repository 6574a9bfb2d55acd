#include "genkidama/run/watched_agent.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "run/page/agent_player.h"
#include "run/page/agent_slots.h"
#include "run/process/spawned_process.h"

namespace genkidama::run {
namespace {

constexpr double kGiveEvery_s = 1;
constexpr double kMostOfTime = 1.0 / 200;
constexpr double kLookEvery_s = 1;

}  // namespace

class WatchedAgent::Impl {
 public:
  explicit Impl(WatchedAgentOptions options)
      : options_(checked(std::move(options))), slots_(options_.layout), process_(process_options()) {}

  bool wants_policy() const {
    return slots_.is_watched() && slots_.can_give() && !is_too_large_ && Clock::now() >= next_;
  }

  void give(const Checkpoint& policy) {
    const auto began = Clock::now();
    is_too_large_ = !slots_.give(policy);
    // What it took to make the policy is about as much again.
    const double took = 2 * seconds_since(began);
    next_ = began + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(std::max(kGiveEvery_s, took / kMostOfTime)));
  }

  void come() {
    if (viewers_++ == 0) slots_.set_watched(true);
  }
  void go() {
    if (--viewers_ == 0) slots_.set_watched(false);
  }

  std::shared_ptr<const std::string> latest() {
    if (auto picture = slots_.see()) {
      latest_ = std::make_shared<const std::string>(std::move(*picture));
    } else if (!has_ended_ && (!looked_ || seconds_since(*looked_) >= kLookEvery_s)) {
      looked_ = Clock::now();
      has_ended_ = !process_.running();
      // With the code 0 it has told why by itself.
      if (has_ended_ && process_.exit_code() != 0) {
        latest_ = std::make_shared<const std::string>(
            agent_problem("the process that plays it has ended with " + exit_text(process_.exit_code())));
      }
    }
    return latest_;
  }

 private:
  static WatchedAgentOptions checked(WatchedAgentOptions options) {
    if (!options.environment)
      throw ArgumentError("a watched agent has no environment; give a factory that makes one");
    return options;
  }

  SpawnedProcess::Options process_options() {
    SpawnedProcess::Options options;
    options.name = "the watched agent";
    options.body = [this] {
      play_agent(options_, slots_);
      return 0;
    };
    return options;
  }

  const WatchedAgentOptions options_;
  AgentSlots slots_;
  SpawnedProcess process_;
  // Of whoever gives policies.
  Clock::time_point next_;
  bool is_too_large_ = false;
  // Of whoever looks.
  int viewers_ = 0;
  bool has_ended_ = false;
  std::optional<Clock::time_point> looked_;
  std::shared_ptr<const std::string> latest_;
};

WatchedAgent::WatchedAgent(WatchedAgentOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
WatchedAgent::~WatchedAgent() = default;

bool WatchedAgent::wants_policy() const {
  return impl_->wants_policy();
}

void WatchedAgent::give(const Checkpoint& policy) {
  impl_->give(policy);
}

void WatchedAgent::come() {
  impl_->come();
}

void WatchedAgent::go() {
  impl_->go();
}

std::shared_ptr<const std::string> WatchedAgent::latest() {
  return impl_->latest();
}

}  // namespace genkidama::run
