// What the stages of a worker's step cost on the states that a trained policy meets. Prints one JSON object.
//
//   stage_costs CHECKPOINT [--episodes 50] [--passes 5] [--epsilon 0.01] [--loss a3c|ppo] [--batch-size 120]
//               [--pull-every 2] [--round-steps 2048] [--epochs 5] [--minibatch-size 64] [--optimizer sgd]
//
// The checkpoint's policy plays LunarLander episodes; seeds, actions and observations are written down. Then
// each stage works through them alone, `passes` times, and the median pass counts:
//
//   environment  reset(seed) and the recorded actions, through make_checked(): no network
//   action       the logits of each observation, and a sampled action
//   gradient     forward and backward over batches cut as the loss cuts them
//   optimizer    the shared optimizer's steps, and the pulls that go with them
//
// All are microseconds of wall time for each environment step. The loss itself, storing the steps, statistics
// and the barrier are not among them: they are the rest of what a step of `train` takes.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/env/lunar_lander.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/behaviour.h"
#include "nn/mlp_gradient_function.h"
#include "support/arguments.h"
#include "support/flat_network.h"
#include "support/recorded_episodes.h"
#include "support/samples.h"

namespace genkidama::benchmarks {
namespace {

constexpr double kLearningRate = 1e-9;  // the policy must stay what it is

/// "pi1.weight" [128, 8], "pi2.weight" [4, 128]: layers 8, 128, 4.
std::vector<int> head_sizes(const ParameterLayout& layout, const std::string& prefix) {
  std::vector<int> sizes;
  for (const TensorInfo& tensor : layout.tensors()) {
    if (tensor.name.rfind(prefix, 0) != 0 || tensor.shape.size() != 2) continue;
    if (sizes.empty()) sizes.push_back(static_cast<int>(tensor.shape[1]));
    sizes.push_back(static_cast<int>(tensor.shape[0]));
  }
  return sizes;
}

MlpShape shape_of(const ParameterLayout& layout) {
  MlpShape shape{head_sizes(layout, "pi"), head_sizes(layout, "v")};
  if (shape.policy.size() < 2 || shape.value.size() < 2 || shape.policy.front() != int{kObservationSize} ||
      shape.policy_stack().floats() + shape.value_stack().floats() != layout.size()) {
    throw ArgumentError(
        "the checkpoint is not of a bundled network for LunarLander; expected tensors pi1.weight, ...");
  }
  return shape;
}

/// Steps of one call of the network while it learns.
struct Batches {
  std::vector<std::size_t> learnt;        ///< forward and backward, then an optimizer step
  std::vector<std::size_t> only_forward;  ///< forward: what ppo does with every segment before it learns
  std::size_t pulls = 0;
};

void cut(std::size_t steps, std::size_t size, std::vector<std::size_t>& into) {
  for (std::size_t done = 0; done < steps; done += size) into.push_back(std::min(size, steps - done));
}

Batches a3c_batches(const std::vector<RecordedEpisode>& episodes, const Arguments& arguments) {
  Batches batches;
  const auto size = static_cast<std::size_t>(arguments.number("--batch-size"));
  for (const RecordedEpisode& episode : episodes) {
    const std::size_t before = batches.learnt.size();
    cut(episode.actions.size(), size, batches.learnt);
    batches.pulls += static_cast<std::size_t>(
        std::ceil(static_cast<double>(batches.learnt.size() - before) / arguments.number("--pull-every")));
  }
  return batches;
}

Batches ppo_batches(const std::vector<RecordedEpisode>& episodes, const Arguments& arguments) {
  Batches batches;
  std::size_t round = 0;
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    batches.only_forward.push_back(episodes[i].actions.size());
    round += episodes[i].actions.size();
    if (static_cast<double>(round) < arguments.number("--round-steps") && i + 1 < episodes.size()) continue;
    for (int epoch = 0; epoch < static_cast<int>(arguments.number("--epochs")); ++epoch) {
      cut(round, static_cast<std::size_t>(arguments.number("--minibatch-size")), batches.learnt);
    }
    round = 0;
  }
  batches.pulls = batches.learnt.size();
  return batches;
}

class Stages {
 public:
  Stages(const Checkpoint& checkpoint, const Arguments& arguments)
      : arguments_(arguments),
        shape_(shape_of(checkpoint.layout)),
        weights_(checkpoint.weights),
        environment_(make_checked(make_lunar_lander())),
        policy_(make_mlp_policy_function(shape_)),
        behaviour_(categorical(arguments.number("--epsilon"))),
        gradient_function_(make_mlp_gradient_function(shape_)),
        passes_(static_cast<int>(arguments.number("--passes"))) {
    episodes_ = record_episodes(
        *environment_, [&](Observation observation, Random& random) { return choose(observation, random); },
        static_cast<int>(arguments.number("--episodes")), 1);
    for (const RecordedEpisode& episode : episodes_) {
      observations_.insert(observations_.end(), episode.observations.begin(), episode.observations.end());
    }
  }

  nlohmann::ordered_json measure() {
    const Batches batches = arguments_.text("--loss") == "ppo" ? ppo_batches(episodes_, arguments_)
                                                               : a3c_batches(episodes_, arguments_);
    const double environment = microseconds([&] { play_again(); });
    const double action = microseconds([&] { choose_again(); });
    const double gradient = microseconds([&] { learn(batches); });
    return {{"episodes", episodes_.size()},
            {"steps", steps()},
            {"mean_length", static_cast<double>(steps()) / static_cast<double>(episodes_.size())},
            {"environment_us", environment},
            {"environment_steps_per_second", 1e6 / environment},
            {"action_us", action},
            {"gradient_us", gradient},
            {"optimizer_us", optimizer_microseconds(batches)},
            {"optimizer_steps_per_environment_step",
             static_cast<double>(batches.learnt.size()) / static_cast<double>(steps())}};
  }

 private:
  std::size_t steps() const { return observations_.size() / kObservationSize; }

  int choose(Observation observation, Random& random) {
    logits_.resize(static_cast<std::size_t>(shape_.policy.back()));
    policy_->logits(weights_, observation, logits_);
    behaviour_->act(logits_, {}, Acting::kExploring, random, action_, log_probability_);
    return static_cast<int>(action_[0]);
  }

  template <typename Work>
  double microseconds(const Work& work) const {
    std::vector<double> times;
    for (int pass = 0; pass < passes_; ++pass) times.push_back(wall_seconds(work));
    return 1e6 * median(times) / static_cast<double>(steps());
  }

  void play_again() {
    for (const RecordedEpisode& episode : episodes_) {
      environment_->reset(episode.seed);
      replay_actions(*environment_, episode);
    }
  }

  void choose_again() {
    Random random(1);
    int sum = 0;
    for (std::size_t i = 0; i < steps(); ++i) sum += choose(observations_of(i, 1), random);
    chosen_ = sum;
  }

  void learn(const Batches& batches) {
    std::size_t at = 0;
    for (const std::size_t n : batches.only_forward) {
      forward(at, n);
      at += n;
    }
    at = 0;
    for (const std::size_t n : batches.learnt) {
      if (at + n > steps()) at = 0;
      forward(at, n);
      logits_gradient_.assign(n * logits_.size(), 0.001f);
      gradient_function_->backward(weights_, logits_gradient_, values_, gradient_);
      at += n;
    }
  }

  void forward(std::size_t first, std::size_t n) {
    batch_logits_.resize(n * logits_.size());
    values_.resize(n);
    gradient_.resize(weights_.size());
    gradient_function_->forward(weights_, observations_of(first, n), batch_logits_, values_);
  }

  double optimizer_microseconds(const Batches& batches) {
    OptimizerOptions options;
    options.optimizer = arguments_.text("--optimizer");
    const auto optimizer = make_shared_optimizer(options);
    const SharedArray<float> shared(weights_.size(), "weights");
    const SharedArray<float> memory(optimizer->state_size(weights_.size()), "optimizer state");
    relaxed_store(shared.span(), weights_);
    std::uint64_t step = 0;
    std::vector<float> own(weights_.size());
    return microseconds([&] {
      for (std::size_t i = 0; i < batches.learnt.size(); ++i) {
        optimizer->step(shared.span(), gradient_, memory.span(), ++step, kLearningRate);
      }
      for (std::size_t i = 0; i < batches.pulls; ++i) relaxed_load(shared.span(), own);
    });
  }

  std::span<const float> observations_of(std::size_t first, std::size_t n) const {
    return std::span<const float>(observations_).subspan(first * kObservationSize, n * kObservationSize);
  }

  const Arguments& arguments_;
  MlpShape shape_;
  std::vector<float> weights_;
  std::unique_ptr<Environment> environment_;
  std::unique_ptr<PolicyFunction> policy_;
  std::unique_ptr<Behaviour> behaviour_;
  std::array<float, 1> action_{};
  float log_probability_ = 0;
  std::unique_ptr<GradientFunction> gradient_function_;
  int passes_;
  std::vector<RecordedEpisode> episodes_;
  std::vector<float> observations_;
  std::vector<float> logits_, batch_logits_, values_, logits_gradient_, gradient_;
  volatile int chosen_ = 0;  // or the compiler could leave the choice out
};

int run(int argc, char** argv) {
  const Arguments arguments(argc, argv,
                            {{"--episodes", "50"},
                             {"--passes", "5"},
                             {"--epsilon", "0.01"},
                             {"--loss", "a3c"},
                             {"--batch-size", "120"},
                             {"--pull-every", "2"},
                             {"--round-steps", "2048"},
                             {"--epochs", "5"},
                             {"--minibatch-size", "64"},
                             {"--optimizer", "sgd"}});
  if (arguments.positional.size() != 1) throw ArgumentError("expected one checkpoint");
  Stages stages(read_safetensors(arguments.positional.front()), arguments);
  fmt::print("{}\n", stages.measure().dump());
  return 0;
}

}  // namespace
}  // namespace genkidama::benchmarks

int main(int argc, char** argv) {
  using namespace genkidama::benchmarks;
  return exit_code_of("stage_costs", [&] { return run(argc, argv); });
}
