#include "rl/hogwild_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/checked_environment.h"
#include "rl/behaviour/action_selection.h"
#include "rl/learner.h"
#include "rl/seat.h"

namespace genkidama {
namespace {

// Streams of derive_seed(): what a seed is used for.
constexpr std::uint64_t kInitialisation = 0;
constexpr std::uint64_t kTraining = 1;
constexpr std::uint64_t kEvaluation = 2;
constexpr std::uint64_t kActions = 3;
constexpr std::uint64_t kLearning = 4;

constexpr Milliseconds kWaitSlice{1'000};

class HogwildWorker : private SharedWeights {
 public:
  HogwildWorker(const WorkerSetup& setup, SharedTraining& shared, int index)
      : setup_(setup),
        shared_(shared),
        index_(index),
        seats_(make_seats(setup)),
        spec_(seats_.front().spec()),
        network_(make_local_network(setup, spec_)),
        optimizer_(setup.optimizer(setup.hyperparameters)),
        learner_(make_learner(setup.hyperparameters, network_, *this)),
        action_count_(static_cast<std::size_t>(spec_.action_count)) {
    if (network_.layout().size() != shared.weights.size()) {
      throw LayoutError(
          "the network factory made another network than before; it must depend on the spec only");
    }
  }

  void obey(const WorkerOrder& order) {
    if (order.command == WorkerCommand::kTrain) train_round(order.round);
    if (order.command == WorkerCommand::kEvaluate) evaluate(order);
  }

 private:
  static std::vector<Seat> make_seats(const WorkerSetup& setup) {
    std::vector<Seat> seats;
    for (int i = 0; i < setup.hyperparameters.environments_per_worker; ++i) {
      seats.emplace_back(make_checked(setup.environment()));
    }
    return seats;
  }

  /// One episode in each seat (thesis, Algorithm 1), or whole episodes up to round_steps. Everything random
  /// follows from (seed, worker, round, episode), so a resumed run goes on as the uninterrupted one would
  /// have.
  void train_round(std::uint64_t round) {
    round_seed_ = derive_seed(setup_.seed, {kTraining, static_cast<std::uint64_t>(index_), round});
    WorkerReport& report = report_of_round();
    pull();
    episodes_started_ = 0;
    for (Seat& seat : seats_) start_episode(seat);
    while (true) {
      playing_.clear();
      for (Seat& seat : seats_) {
        if (seat.playing) playing_.push_back(&seat);
      }
      if (playing_.empty()) break;
      play_step(report);
    }
    Random random(derive_seed(round_seed_, {kLearning, kLearning}));
    learner_->learn_round(random);
  }

  WorkerReport& report_of_round() {
    WorkerReport& report = shared_.reports[static_cast<std::size_t>(index_)];
    report.episode_count = 0;
    report.environment_steps = report.optimizer_steps = 0;
    report.policy_loss = report.value_loss = report.entropy = 0;
    return report;
  }

  void start_episode(Seat& seat) {
    const auto seed = derive_seed(round_seed_, {episodes_started_++});
    seat.start(seed, Random(derive_seed(seed, {kActions})));
  }

  /// A step in every seat that plays, with the logits of all of them at once.
  void play_step(WorkerReport& report) {
    const Hyperparameters& hyper = setup_.hyperparameters;
    observations_.clear();
    for (const Seat* seat : playing_) {
      observations_.insert(observations_.end(), seat->observation.begin(), seat->observation.end());
    }
    logits_.resize(playing_.size() * action_count_);
    network_.policy().logits_of_batch(network_.weights(), observations_, playing_.size(), logits_);
    for (std::size_t i = 0; i < playing_.size(); ++i) {
      Seat& seat = *playing_[i];
      const auto logits = std::span<const float>(logits_).subspan(i * action_count_, action_count_);
      const int action = explore_action(logits, hyper.epsilon, seat.random);
      take_step(seat, action);
      ++report.environment_steps;
      if (seat.playing) continue;
      report.episodes[report.episode_count++] = seat.result;
      const bool enough = report.environment_steps >= static_cast<std::uint64_t>(hyper.round_steps) ||
                          episodes_started_ >= kEpisodesPerRound;
      if (!enough) start_episode(seat);
    }
  }

  void take_step(Seat& seat, int action) {
    const Hyperparameters& hyper = setup_.hyperparameters;
    Rollout& rollout = seat.rollout;
    rollout.observations.insert(rollout.observations.end(), seat.observation.begin(), seat.observation.end());
    rollout.actions.push_back(action);
    const std::size_t start = rollout.observations.size() - seat.observation.size();
    const StepResult step = seat.step(action);
    show_life();
    rollout.rewards.push_back(static_cast<float>(hyper.reward_scale * step.reward));
    if (shared_.replay) {
      shared_.replay->store(index_, std::span<const float>(rollout.observations).subspan(start), action,
                            step.reward, step.observation, step.terminated, step.truncated);
    }
    rollout.ends_episode = !seat.playing;
    if (!rollout.ends_episode && rollout.size() < learner_->segment_steps()) return;
    const bool no_future = step.terminated || (step.truncated && !hyper.bootstrap_truncated);
    rollout.bootstrap = no_future ? 0 : network_.policy().value(network_.weights(), seat.observation);
    shared_.counters[0].environment_steps.fetch_add(rollout.size(), std::memory_order_relaxed);
    learner_->learn_segment(rollout);
    rollout.clear();
  }

  void apply_gradient(const LossTerms& terms) override {
    SharedCounters& counters = shared_.counters[0];
    const auto played = counters.environment_steps.load(std::memory_order_relaxed);
    const auto step = counters.optimizer_steps.fetch_add(1, std::memory_order_relaxed) + 1;
    GENKIDAMA_FAILPOINT("worker_before_step");
    optimizer_->step(shared_.weights.span(), network_.gradient(), shared_.optimizer_state.span(), step,
                     learning_rate(played));
    GENKIDAMA_FAILPOINT("worker_after_step");
    WorkerReport& report = shared_.reports[static_cast<std::size_t>(index_)];
    show_life();
    ++report.optimizer_steps;
    report.policy_loss += terms.policy;
    report.value_loss += terms.value;
    report.entropy += terms.entropy;
  }

  void show_life() {
    // Nobody else writes it, so that no locked instruction is needed.
    auto& beats = shared_.reports[static_cast<std::size_t>(index_)].beats;
    beats.store(beats.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  void pull() override { relaxed_load(shared_.weights.span(), network_.weights()); }

  double learning_rate(std::uint64_t played) const {
    const Hyperparameters& hyper = setup_.hyperparameters;
    if (hyper.schedule == LearningRateSchedule::kConstant) return hyper.learning_rate;
    const double done = static_cast<double>(played) / static_cast<double>(hyper.schedule_steps);
    return hyper.learning_rate * std::max(0.0, 1.0 - done);
  }

  void evaluate(const WorkerOrder& order) {
    pull();
    Seat& seat = seats_.front();
    logits_.resize(action_count_);
    auto& next = shared_.counters[0].next_episode;
    for (auto i = next.fetch_add(1); i < order.episode_count; i = next.fetch_add(1)) {
      EvaluatedEpisode& episode = shared_.evaluation[i];
      // The lead orders a chunk again when a worker died over one of its episodes.
      if (episode.done.load(std::memory_order_acquire)) continue;
      const auto seed = derive_seed(order.evaluation_seed, {kEvaluation, order.first_episode + i});
      seat.start(seed, Random(derive_seed(seed, {kActions})));
      while (seat.playing) {
        network_.policy().logits(network_.weights(), seat.observation, logits_);
        seat.step(order.greedy ? greedy_action(logits_) : sample_action(logits_, seat.random));
        show_life();
      }
      episode.result = seat.result;
      episode.done.store(true, std::memory_order_release);
    }
  }

  const WorkerSetup& setup_;
  SharedTraining& shared_;
  int index_;
  std::vector<Seat> seats_;
  EnvironmentSpec spec_;
  LocalNetwork network_;
  std::unique_ptr<SharedOptimizer> optimizer_;
  std::unique_ptr<Learner> learner_;
  std::size_t action_count_;
  std::uint64_t round_seed_ = 0;
  std::uint64_t episodes_started_ = 0;
  std::vector<Seat*> playing_;
  std::vector<float> observations_;  ///< [playing, observation_size]
  std::vector<float> logits_;        ///< [playing, action_count]
};

/// Sleeps at the barrier in slices, so that a worker whose lead is gone ends.
bool wait_for_order(SharedTraining& shared, int index, const std::function<bool()>& lead_alive) {
  while (true) {
    const auto release = shared.barrier.wait_for_release(index, Deadline::after(kWaitSlice));
    if (release == RoundBarrier::Release::kGo) return true;
    if (release == RoundBarrier::Release::kClosed || !lead_alive()) return false;
  }
}

void report_failure(SharedTraining& shared, int index, const char* text) {
  WorkerReport& report = shared.reports[static_cast<std::size_t>(index)];
  // LibTorch, for one, appends a stack trace to its messages; the first line is what a user can act on.
  const auto length = std::min(std::strcspn(text, "\n"), sizeof report.error - 1);
  std::memcpy(report.error, text, length);
  report.error[length] = '\0';
  report.failed.store(true, std::memory_order_release);
}

}  // namespace

LocalNetwork make_local_network(const WorkerSetup& setup, const EnvironmentSpec& spec) {
  return LocalNetwork(setup.network(spec, derive_seed(setup.seed, {kInitialisation})), spec);
}

bool run_hogwild_worker(const WorkerSetup& setup, SharedTraining& shared, int index,
                        const std::function<bool()>& lead_alive) {
  try {
    HogwildWorker worker(setup, shared, index);
    const auto carry_out_order = [&] {
      worker.obey(shared.order[0]);
      GENKIDAMA_FAILPOINT("worker_before_arrival");
      shared.barrier.arrive(index);
    };
    // One whose place this takes may have done its part already.
    if (!shared.barrier.has_arrived(index)) carry_out_order();
    while (wait_for_order(shared, index, lead_alive)) carry_out_order();
    return true;
  } catch (const std::exception& error) {
    report_failure(shared, index, error.what());
  } catch (...) {
    report_failure(shared, index, "something was thrown that is no std::exception");
  }
  return false;
}

}  // namespace genkidama
