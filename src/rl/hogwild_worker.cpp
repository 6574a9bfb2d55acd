#include "rl/hogwild_worker.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/checked_environment.h"
#include "nn/local_network.h"
#include "rl/action_selection.h"
#include "rl/learner.h"
#include "rl/rollout.h"

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
        environment_(make_checked(setup.environment())),
        network_(make_network()),
        optimizer_(setup.optimizer(setup.hyperparameters)),
        learner_(make_learner(setup.hyperparameters, network_, *this)),
        logits_(static_cast<std::size_t>(environment_->spec().action_count)) {
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
  LocalNetwork make_network() const {
    seed_network_initialisation(setup_.seed);
    return LocalNetwork(setup_.network(environment_->spec()), environment_->spec());
  }

  /// One episode (thesis, Algorithm 1), or whole episodes up to round_steps. Everything random follows from
  /// (seed, worker, round, episode), so a resumed run goes on as the uninterrupted one would have.
  void train_round(std::uint64_t round) {
    const auto seed = derive_seed(setup_.seed, {kTraining, static_cast<std::uint64_t>(index_), round});
    WorkerReport& report = report_of_round();
    const auto enough = static_cast<std::uint64_t>(setup_.hyperparameters.round_steps);
    pull();
    do {
      report.episodes[report.episode_count] = train_episode(derive_seed(seed, {report.episode_count}));
      report.environment_steps += report.episodes[report.episode_count++].length;
    } while (report.environment_steps < enough && report.episode_count < kEpisodesPerRound);
    Random random(derive_seed(seed, {kLearning, kLearning}));
    learner_->learn_round(random);
  }

  WorkerReport& report_of_round() {
    WorkerReport& report = shared_.reports[static_cast<std::size_t>(index_)];
    report.episode_count = 0;
    report.environment_steps = report.optimizer_steps = 0;
    report.policy_loss = report.value_loss = report.entropy = 0;
    return report;
  }

  EpisodeResult train_episode(std::uint64_t seed) {
    const Hyperparameters& hyper = setup_.hyperparameters;
    Random random(derive_seed(seed, {kActions}));
    EpisodeResult result;
    copy_observation(environment_->reset(seed));
    do {
      rollout_.clear();
      StepResult last;
      while (!rollout_.ends_episode && rollout_.size() < learner_->segment_steps()) {
        network_.policy().logits(network_.weights(), observation_, logits_);
        const int action = explore_action(logits_, hyper.epsilon, random);
        last = environment_->step(action);
        rollout_.observations.insert(rollout_.observations.end(), observation_.begin(), observation_.end());
        rollout_.actions.push_back(action);
        rollout_.rewards.push_back(static_cast<float>(hyper.reward_scale * last.reward));
        if (shared_.replay) {
          shared_.replay->store(index_, observation_, action, last.reward, last.observation, last.terminated,
                                last.truncated);
        }
        count(result, last);
        rollout_.ends_episode = last.terminated || last.truncated;
        copy_observation(last.observation);
      }
      const bool no_future = last.terminated || (last.truncated && !hyper.bootstrap_truncated);
      rollout_.bootstrap = no_future ? 0 : network_.policy().value(network_.weights(), observation_);
      shared_.counters[0].environment_steps.fetch_add(rollout_.size(), std::memory_order_relaxed);
      learner_->learn_segment(rollout_);
    } while (!rollout_.ends_episode);
    return result;
  }

  static void count(EpisodeResult& result, const StepResult& step) {
    result.episode_return += step.reward;
    ++result.length;
    result.truncated = step.truncated && !step.terminated;
  }

  void apply_gradient(const LossTerms& terms) override {
    SharedCounters& counters = shared_.counters[0];
    const auto played = counters.environment_steps.load(std::memory_order_relaxed);
    const auto step = counters.optimizer_steps.fetch_add(1, std::memory_order_relaxed) + 1;
    optimizer_->step(shared_.weights.span(), network_.gradient(), shared_.optimizer_state.span(), step,
                     learning_rate(played));
    WorkerReport& report = shared_.reports[static_cast<std::size_t>(index_)];
    ++report.optimizer_steps;
    report.policy_loss += terms.policy;
    report.value_loss += terms.value;
    report.entropy += terms.entropy;
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
    auto& next = shared_.counters[0].next_episode;
    for (auto i = next.fetch_add(1); i < order.episode_count; i = next.fetch_add(1)) {
      const auto seed = derive_seed(order.evaluation_seed, {kEvaluation, order.first_episode + i});
      Random random(derive_seed(seed, {kActions}));
      EpisodeResult result;
      copy_observation(environment_->reset(seed));
      for (bool ended = false; !ended;) {
        network_.policy().logits(network_.weights(), observation_, logits_);
        const int action = order.greedy ? greedy_action(logits_) : sample_action(logits_, random);
        const StepResult step = environment_->step(action);
        copy_observation(step.observation);
        count(result, step);
        ended = step.terminated || step.truncated;
      }
      shared_.evaluation[i] = result;
    }
  }

  void copy_observation(Observation observation) {
    observation_.assign(observation.begin(), observation.end());
  }

  const WorkerSetup& setup_;
  SharedTraining& shared_;
  int index_;
  std::unique_ptr<Environment> environment_;
  LocalNetwork network_;
  std::unique_ptr<SharedOptimizer> optimizer_;
  std::unique_ptr<Learner> learner_;
  Rollout rollout_;
  std::vector<float> observation_;
  std::vector<float> logits_;
};

/// Sleeps at the barrier in slices, so that a worker whose lead is gone ends.
bool wait_for_order(SharedTraining& shared, int index, const std::function<bool()>& lead_alive) {
  while (true) {
    const auto release = shared.barrier.wait_for_release(index, Deadline::after(kWaitSlice));
    if (release == RoundBarrier::Release::kGo) return shared.order[0].command != WorkerCommand::kStop;
    if (release == RoundBarrier::Release::kClosed || !lead_alive()) return false;
  }
}

}  // namespace

void seed_network_initialisation(std::uint64_t seed) {
  torch::manual_seed(derive_seed(seed, {kInitialisation}));
}

void use_one_compute_thread() {
  at::set_num_threads(1);
  // OpenBLAS has a pool of its own that LibTorch does not know of; other BLAS libraries lack this symbol.
  if (void* symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) {
    reinterpret_cast<void (*)(int)>(symbol)(1);
  }
}

bool run_hogwild_worker(const WorkerSetup& setup, SharedTraining& shared, int index,
                        const std::function<bool()>& lead_alive) {
  try {
    use_one_compute_thread();
    HogwildWorker worker(setup, shared, index);
    shared.barrier.arrive(index);
    while (wait_for_order(shared, index, lead_alive)) {
      worker.obey(shared.order[0]);
      shared.barrier.arrive(index);
    }
    return true;
  } catch (const std::exception& error) {
    WorkerReport& report = shared.reports[static_cast<std::size_t>(index)];
    // LibTorch appends a stack trace to its messages; the first line is what a user can act on.
    const char* text = error.what();
    const auto length = std::min(std::strcspn(text, "\n"), sizeof report.error - 1);
    std::memcpy(report.error, text, length);
    report.error[length] = '\0';
    report.failed.store(true, std::memory_order_release);
    return false;
  }
}

}  // namespace genkidama
