#include "rl/hogwild_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/random.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/rl/behaviour.h"
#include "rl/episode_slot.h"
#include "rl/hogwild_sink.h"

namespace genkidama {
namespace {

// Streams of derive_seed(): what a seed is used for.
constexpr std::uint64_t kInitialisation = 0;
constexpr std::uint64_t kTraining = 1;
constexpr std::uint64_t kEvaluation = 2;
constexpr std::uint64_t kActions = 3;
constexpr std::uint64_t kLearning = 4;

constexpr Milliseconds kWaitSlice{1'000};

/// Plays a round's episodes and hands their segments to the learner.
class HogwildWorker {
 public:
  HogwildWorker(const WorkerSetup& setup, SharedTraining& shared, int index)
      : setup_(setup),
        shared_(shared),
        index_(index),
        sink_(setup.hyperparameters, setup.optimizer(setup.hyperparameters), shared, index),
        slots_(make_slots(setup)),
        spec_(slots_.front().spec()),
        algorithm_(make_algorithm_of(setup)),
        network_(make_local_network(setup, *algorithm_, spec_)),
        behaviour_(algorithm_->make_behaviour(spec_)),
        learner_(algorithm_->make_learner({.environment = spec_,
                                           .network = network_,
                                           .sink = sink_,
                                           .shared_state = shared.algorithm_state.span(),
                                           .replay = shared.replay ? &*shared.replay : nullptr})),
        output_count_(static_cast<std::size_t>(network_.spec().policy)) {
    if (!behaviour_ || !learner_) {
      throw ArgumentError("the algorithm made no behaviour or no learner; expected both");
    }
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
  static std::vector<EpisodeSlot> make_slots(const WorkerSetup& setup) {
    std::vector<EpisodeSlot> slots;
    for (int i = 0; i < setup.hyperparameters.environments_per_worker; ++i) {
      slots.emplace_back(make_checked(setup.environment()));
    }
    return slots;
  }

  /// One episode in each slot (thesis, Algorithm 1), or whole episodes up to round_steps. Everything random
  /// follows from (seed, worker, round, episode), so a resumed run goes on as the uninterrupted one would
  /// have.
  void train_round(std::uint64_t round) {
    round_seed_ = derive_seed(setup_.seed, {kTraining, static_cast<std::uint64_t>(index_), round});
    sink_.begin_round();
    sink_.pull(network_.weights());
    episodes_started_ = 0;
    for (EpisodeSlot& slot : slots_) start_episode(slot);
    while (true) {
      playing_.clear();
      for (EpisodeSlot& slot : slots_) {
        if (slot.playing) playing_.push_back(&slot);
      }
      if (playing_.empty()) break;
      play_step();
    }
    Random random(derive_seed(round_seed_, {kLearning, kLearning}));
    learner_->learn_round(random);
  }

  void start_episode(EpisodeSlot& slot) {
    const auto seed = derive_seed(round_seed_, {episodes_started_++});
    slot.start(seed, Random(derive_seed(seed, {kActions})));
  }

  /// A step in every slot that plays, with the network's outputs for all of them at once.
  void play_step() {
    const Hyperparameters& hyper = setup_.hyperparameters;
    WorkerReport& report = sink_.report();
    observations_.clear();
    for (const EpisodeSlot* slot : playing_) {
      const auto observation = slot->observation();
      observations_.insert(observations_.end(), observation.begin(), observation.end());
    }
    outputs_.resize(playing_.size() * output_count_);
    network_.policy().logits_of_batch(network_.weights(), observations_, playing_.size(), outputs_);
    check_outputs();
    for (std::size_t i = 0; i < playing_.size(); ++i) {
      EpisodeSlot& slot = *playing_[i];
      const auto outputs = std::span<const float>(outputs_).subspan(i * output_count_, output_count_);
      take_step(slot, outputs);
      ++report.environment_steps;
      if (slot.playing) continue;
      report.episodes[report.episode_count++] = slot.result;
      const bool enough = report.environment_steps >= static_cast<std::uint64_t>(hyper.round_steps) ||
                          episodes_started_ >= kEpisodesPerRound;
      if (!enough) start_episode(slot);
    }
  }

  void check_outputs() const {
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (!is_finite(outputs_[i])) refuse_output(i % output_count_, outputs_[i]);
    }
  }

  /// Names the weights when they are at fault, and else the network.
  [[noreturn]] void refuse_output(std::size_t index, float value) const {
    const auto weights = network_.weights();
    const std::size_t bad = first_non_finite(weights);
    if (bad != weights.size()) {
      throw WorkerError(
          fmt::format("learning diverged: the network's weight {} is {}; a lower learning rate or a "
                      "gradient-norm limit helps",
                      bad, weights[bad]));
    }
    throw WorkerError(fmt::format(
        "the network gave {} as policy output {} for an observation of '{}', from finite weights; expected "
        "finite numbers: see the network's forward pass",
        value, index, spec_.name));
  }

  void take_step(EpisodeSlot& slot, std::span<const float> outputs) {
    float log_probability = 0;
    behaviour_->act(outputs, Acting::kExploring, slot.random, slot.action, log_probability);
    Segment& segment = slot.segment;
    if (segment.size() == 0) segment.policy_version = sink_.policy_version();
    const Transition step = slot.step();
    sink_.show_life();
    segment.observations.insert(segment.observations.end(), step.before.begin(), step.before.end());
    segment.actions.insert(segment.actions.end(), step.action.begin(), step.action.end());
    segment.rewards.push_back(step.reward);
    segment.log_probabilities.push_back(log_probability);
    if (shared_.replay) shared_.replay->store(index_, step);
    if (!step.ends_episode() && segment.size() < learner_->segment_steps()) return;
    if (step.terminated) segment.end = SegmentEnd::kTerminated;
    if (step.truncated && !step.terminated) segment.end = SegmentEnd::kTruncated;
    segment.last_observation.assign(step.after.begin(), step.after.end());
    sink_.count_environment_steps(segment.size());
    learner_->learn_segment(segment);
    segment.clear();
  }

  void evaluate(const WorkerOrder& order) {
    sink_.pull(network_.weights());
    EpisodeSlot& slot = slots_.front();
    outputs_.resize(output_count_);
    const Acting acting = order.greedy ? Acting::kGreedy : Acting::kSampling;
    float log_probability = 0;
    auto& next = shared_.counters[0].next_episode;
    for (auto i = next.fetch_add(1); i < order.episode_count; i = next.fetch_add(1)) {
      EvaluatedEpisode& episode = shared_.evaluation[i];
      // The lead orders a chunk again when a worker died over one of its episodes.
      if (episode.done.load(std::memory_order_acquire)) continue;
      const auto seed = derive_seed(order.evaluation_seed, {kEvaluation, order.first_episode + i});
      slot.start(seed, Random(derive_seed(seed, {kActions})));
      while (slot.playing) {
        network_.policy().logits(network_.weights(), slot.observation(), outputs_);
        check_outputs();
        behaviour_->act(outputs_, acting, slot.random, slot.action, log_probability);
        slot.step();
        sink_.show_life();
      }
      episode.result = slot.result;
      episode.done.store(true, std::memory_order_release);
    }
  }

  const WorkerSetup& setup_;
  SharedTraining& shared_;
  int index_;
  HogwildSink sink_;
  std::vector<EpisodeSlot> slots_;
  EnvironmentSpec spec_;
  std::unique_ptr<Algorithm> algorithm_;
  LocalNetwork network_;
  std::unique_ptr<Behaviour> behaviour_;
  std::unique_ptr<Learner> learner_;
  std::size_t output_count_;
  std::uint64_t round_seed_ = 0;
  std::uint64_t episodes_started_ = 0;
  std::vector<EpisodeSlot*> playing_;
  std::vector<float> observations_;  ///< [playing, observation_size]
  std::vector<float> outputs_;       ///< [playing, output_count_]
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

LocalNetwork make_local_network(const WorkerSetup& setup, const Algorithm& algorithm,
                                const EnvironmentSpec& spec) {
  const NetworkSpec sizes = algorithm.network(spec);
  return LocalNetwork(setup.network(sizes, derive_seed(setup.seed, {kInitialisation})), sizes);
}

std::unique_ptr<Algorithm> make_algorithm_of(const WorkerSetup& setup) {
  auto algorithm = setup.algorithm(setup.hyperparameters);
  if (!algorithm) throw ArgumentError("the algorithm factory returned a null pointer; expected an algorithm");
  return algorithm;
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
