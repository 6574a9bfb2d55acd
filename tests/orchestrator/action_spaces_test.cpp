#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/saveable.h"
#include "orchestrator/trained.h"
#include "support/catch.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;
using genkidama::test::target_factory;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const ActionSpace kBox{.choices = {}, .low = {-1, -2}, .high = {1, 2}};
const ActionSpace kUnbounded{.choices = {}, .low = {-kInfinity}, .high = {kInfinity}};
const ActionSpace kChoice{.choices = {5}, .low = {}, .high = {}};
const ActionSpace kChoices{.choices = {3, 4}, .low = {}, .high = {}};
const ActionSpace kHybrid{.choices = {3}, .low = {-1}, .high = {1}};

OrchestratorOptions options_for(const char* algorithm, WorkerMode mode) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = 1;
  options.worker_timeout = Milliseconds{120'000};
  Hyperparameters& hyper = options.hyperparameters;
  hyper.algorithm = algorithm;
  hyper.optimizer = "adam";
  hyper.learning_rate = 5e-3;
  hyper.weight_decay = 0;
  hyper.gamma = 0;
  hyper.gae_lambda = 0;
  hyper.batch_size = 50;
  hyper.round_steps = 1'000;
  hyper.initial_log_deviation = -0.7;
  hyper.max_gradient_norm = 1;
  return options;
}

double mean_return(CoreOrchestrator& trainer, bool greedy) {
  double sum = 0;
  for (const auto& episode : trainer.evaluate({.episodes = 100, .seed = 7, .greedy = greedy}))
    sum += episode.episode_return / 100;
  return sum;
}

/// Plays until the greedy policy comes close to the best return, which is 10 for each kind of part.
void check_learns(const ActionSpace& space, bool masks, const OrchestratorOptions& options) {
  CoreOrchestrator trainer(target_factory(space, masks), mlp_network({.hidden = {32}}), options);
  const double best = (space.choices.empty() ? 0 : 10) + (space.low.empty() ? 0 : 10);
  double reached = 0;
  for (int round = 0; round < 40 && reached < 0.9 * best; ++round) {
    trainer.train_round();
    if (round % 5 == 4) reached = mean_return(trainer, true);
  }
  CAPTURE(options.hyperparameters.algorithm, action_space_text(space), masks);
  CHECK(reached >= 0.9 * best);
  CHECK(mean_return(trainer, false) <= reached + 0.3);
}

}  // namespace

TEST_CASE("both algorithms learn each kind of action") {
  for (const char* algorithm : {"ppo", "a3c"}) {
    for (const ActionSpace& space : {kBox, kUnbounded, kChoices, kHybrid})
      check_learns(space, false, options_for(algorithm, WorkerMode::kThreads));
    for (const ActionSpace& space : {kChoice, kChoices, kHybrid})
      check_learns(space, true, options_for(algorithm, WorkerMode::kThreads));
  }
}

TEST_CASE("each form of a Gaussian learns, and so do several environments and workers") {
  for (const bool state : {false, true}) {
    for (const ActionBounds bounds : {ActionBounds::kClip, ActionBounds::kTanh}) {
      auto options = options_for("ppo", WorkerMode::kThreads);
      options.hyperparameters.state_dependent_deviation = state;
      options.hyperparameters.action_bounds = bounds;
      options.hyperparameters.entropy_weight = 1e-3;
      check_learns(kHybrid, true, options);
    }
  }
  for (const char* algorithm : {"ppo", "a3c"}) {
    auto options = options_for(algorithm, WorkerMode::kProcesses);
    options.hyperparameters.environments_per_worker = 3;
    options.hyperparameters.learning_rate = 2e-3;
    options.hyperparameters.entropy_weight = 1e-2;
    // Workers that write at once learn otherwise each time, and the clipped loss with some room to spare.
    options.workers = algorithm == std::string_view("ppo") ? 2 : 1;
    check_learns(kHybrid, true, options);
  }
}

TEST_CASE("a resumed run of any action space goes on bit for bit, with its replay buffer") {
  const double correlation = GENERATE(0.0, 0.6);
  for (const char* algorithm : {"ppo", "a3c"}) {
    auto options = options_for(algorithm, WorkerMode::kProcesses);
    options.hyperparameters.noise_correlation = correlation;
    options.replay_capacity = 400;
    const auto make = [&] {
      return std::make_unique<CoreOrchestrator>(target_factory(kHybrid, true), mlp_network({.hidden = {8}}),
                                                options);
    };
    const auto whole = make(), first = make(), second = make();
    for (int i = 0; i < 4; ++i) whole->train_round();
    for (int i = 0; i < 2; ++i) first->train_round();
    const SavedState state(*first);
    second->restore(state.reader());
    second->write_weights(weights_of(*first));
    for (int i = 0; i < 2; ++i) second->train_round();
    CHECK(weights_of(*second) == weights_of(*whole));
    const TransitionBatch rows = whole->replay_buffer()->in_time_order(0, 400);
    const TransitionBatch resumed = second->replay_buffer()->in_time_order(0, 400);
    REQUIRE(rows.size() == 400);
    CHECK(rows.actions == resumed.actions);
    REQUIRE(rows.next_masks.size() == 3 * 400);
    CHECK(rows.next_masks == resumed.next_masks);
    // What the environment was given, not what was sampled.
    for (std::size_t i = 0; i < rows.size(); ++i)
      REQUIRE_NOTHROW(check_action("row", kHybrid, std::span(rows.actions).subspan(2 * i, 2)));
  }
}

TEST_CASE("the weights have a log-deviation, and the policy's files say how it acts") {
  auto options = options_for("ppo", WorkerMode::kThreads);
  const CoreOrchestrator trainer(target_factory(kHybrid), mlp_network(), options);
  CHECK(trainer.layout().tensors().back().name == "log_deviation");
  CHECK(weights_of(trainer).back() == -0.7f);
  auto metadata = trainer.policy_metadata();
  CHECK(metadata["behaviour"] == "categorical, gaussian clip");
  CHECK(metadata["policy_outputs"] == "5");
  CHECK(metadata["free_outputs"] == "1");
  CHECK(metadata["action_choices"] == "3");
  CHECK(metadata["action_low"] == "-1");
  CHECK(metadata["action_high"] == "1");
}

TEST_CASE("bounds that tanh cannot use end the construction with the environment's name") {
  auto options = options_for("ppo", WorkerMode::kProcesses);
  options.hyperparameters.action_bounds = ActionBounds::kTanh;
  CHECK_THROWS_WITH(CoreOrchestrator(target_factory(kUnbounded), mlp_network(), options),
                    Contains("'Target'") && Contains("component 0") && Contains("inf") && Contains("tanh"));
}

TEST_CASE("a mask of an environment that is wrong ends the round with its name") {
  class Forbids final : public test::TargetEnvironment {
   public:
    explicit Forbids(std::vector<std::uint8_t> mask)
        : TargetEnvironment(kChoice, true), wrong_(std::move(mask)) {}
    ActionMask action_mask() const override { return wrong_; }

   private:
    std::vector<std::uint8_t> wrong_;
  };
  for (const auto& [mask, text] : {std::pair(std::vector<std::uint8_t>(5, 0), "forbids all 5 alternatives"),
                                   std::pair(std::vector<std::uint8_t>(4, 1), "4 bytes, expected 5"),
                                   std::pair(std::vector<std::uint8_t>(5, 2), "has 2 for alternative 0")}) {
    const EnvironmentFactory make = [mask = mask] { return std::make_unique<Forbids>(mask); };
    CoreOrchestrator trainer(make, mlp_network(), options_for("a3c", WorkerMode::kProcesses));
    CHECK_THROWS_WITH(trainer.train_round(), Contains("'Target'") && Contains(text));
  }
}
