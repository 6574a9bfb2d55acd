#include "run/page/agent_player.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "env/picture/picture_json.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/utf8.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/run/stop_signal.h"
#include "rl/evaluation_seeds.h"
#include "run/page/json_text.h"
#include "run/watch/pictures.h"
#include "run/watch/watched_episode.h"

namespace genkidama::run {
namespace {

constexpr double kLook_s = 0.02;        // between two looks whether anybody is still there
constexpr double kLastPicture_s = 1.2;  // so long the end of an episode is seen
constexpr double kMostOfCore = 0.1;

/// Of this process; what an environment's own process takes is not among it.
double processor_seconds_here() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Only what nobody else wants.
void lower_priority() {
  ::setpriority(PRIO_PROCESS, 0, 19);
#ifdef SCHED_IDLE
  const sched_param parameters{};
  ::sched_setscheduler(0, SCHED_IDLE, &parameters);
#endif
}

class Player {
 public:
  Player(const WatchedAgentOptions& options, AgentSlots& slots) : options_(options), slots_(slots) {}

  void work() {
    while (stop_signal() == 0) {
      if (!slots_.is_watched() || !has_policy()) {
        slots_.wait(1);
        continue;
      }
      play();
    }
  }

 private:
  bool has_policy() {
    if (auto given = slots_.take()) {
      update_ = given->metadata.count("update") > 0 ? given->metadata["update"] : "";
      policy_ = std::make_unique<Policy>(make_policy(std::move(*given), options_.policy));
    }
    return policy_ != nullptr;
  }

  void play() {
    if (!environment_) {
      EnvironmentContext context;
      context.purpose = EnvironmentPurpose::kEvaluate;
      context.keep_waiting = [] { return stop_signal() == 0; };
      environment_ = make_checked(options_.environment(context));
    }
    const std::uint64_t seed = evaluated_episode_seed(options_.policy.seed, episode_++);
    int steps = 1;
    due_ = Clock::now();
    spent_ = processor_seconds_here();
    policy_->reset(seed);
    play_watched(*environment_, *policy_, seed, [&](const WatchedEpisode& episode) {
      if (!episode.is_over && episode.steps % steps != 0) return true;
      const Drawing drawing = pictures_.next(*environment_);
      steps = steps_per_picture(drawing.view(), 1);
      if (!rest()) return false;
      show(drawing, episode);
      due_ =
          std::max(due_, Clock::now()) +
          seconds(episode.is_over ? kLastPicture_s
                                  : std::min(10.0, steps * static_cast<double>(drawing.view().step_seconds)));
      return true;
    });
    rest();
  }

  /// A picture that nobody has taken yet is not replaced; the next one comes soon.
  void show(const Drawing& drawing, const WatchedEpisode& episode) {
    if (!slots_.can_draw()) return;
    const std::string text =
        fmt::format("{{\"episode\":{},\"steps\":{},\"return\":{},\"over\":{},\"update\":{},\"picture\":{}}}",
                    episode_, episode.steps, number_text(episode.episode_return), episode.is_over,
                    nlohmann::json(to_utf8(update_)).dump(), picture::to_json(drawing));
    if (!slots_.draw(text)) slots_.draw(agent_problem("its picture is too large to be sent"));
  }

  /// Until the next picture is due and this process has slept nine tenths of the time; false when nobody
  /// looks any more.
  bool rest() {
    const double spent = processor_seconds_here() - std::exchange(spent_, processor_seconds_here());
    const auto until = std::max(due_, Clock::now() + seconds(spent * (1 / kMostOfCore - 1)));
    while (slots_.is_watched() && stop_signal() == 0) {
      const auto left = until - Clock::now();
      if (left <= Clock::duration::zero()) return true;
      std::this_thread::sleep_for(std::min<Clock::duration>(left, seconds(kLook_s)));
    }
    return false;
  }

  static Clock::duration seconds(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  const WatchedAgentOptions& options_;
  AgentSlots& slots_;
  std::unique_ptr<Environment> environment_;
  std::unique_ptr<Policy> policy_;
  std::string update_;  // of the policy
  Pictures pictures_;
  std::uint64_t episode_ = 0;
  Clock::time_point due_;
  double spent_ = 0;
};

}  // namespace

std::string agent_problem(const std::string& text) {
  return nlohmann::json{{"problem", to_utf8(text)}}.dump();
}

void play_agent(const WatchedAgentOptions& options, AgentSlots& slots) {
  lower_priority();
  try {
    Player(options, slots).work();
  } catch (const std::exception& error) {
    while (stop_signal() == 0 && !slots.can_draw()) std::this_thread::sleep_for(Milliseconds(20));
    slots.draw(agent_problem(error.what()));
  }
}

}  // namespace genkidama::run
