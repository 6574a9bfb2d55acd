#include "genkidama/rl/hyperparameters.h"

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;

TEST_CASE("the defaults are the thesis' and valid") {
  const Hyperparameters hyper;
  REQUIRE_NOTHROW(hyper.check());
  REQUIRE(hyper.optimizer == "sgd");
  REQUIRE(hyper.learning_rate == 1e-4);
  REQUIRE(hyper.momentum == 0.9);
  REQUIRE(hyper.weight_decay == 1e-3);
  REQUIRE(hyper.gamma == 0.999);
  REQUIRE(hyper.batch_size == 120);
  REQUIRE(hyper.epsilon == 0.01);
  REQUIRE(hyper.algorithm == "a3c");
  REQUIRE(hyper.round_steps == 0);
  REQUIRE(hyper.entropy_weight == 0);
}

TEST_CASE("each hyperparameter out of its range is refused by name") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<std::string, std::function<void(Hyperparameters&)>>> cases{
      {"gamma", [](auto& h) { h.gamma = 1.01; }},
      {"gamma", [&](auto& h) { h.gamma = nan; }},
      {"gae_lambda", [](auto& h) { h.gae_lambda = -0.1; }},
      {"reward_scale", [](auto& h) { h.reward_scale = 0; }},
      {"value_weight", [](auto& h) { h.value_weight = -1; }},
      {"entropy_weight", [&](auto& h) { h.entropy_weight = infinity; }},
      {"batch_size", [](auto& h) { h.batch_size = 0; }},
      {"pull_every", [](auto& h) { h.pull_every = 0; }},
      {"environments_per_worker", [](auto& h) { h.environments_per_worker = 0; }},
      {"environments_per_worker", [](auto& h) { h.environments_per_worker = 1025; }},
      {"epsilon", [](auto& h) { h.epsilon = 2; }},
      {"round_steps", [](auto& h) { h.round_steps = -1; }},
      {"epochs", [](auto& h) { h.epochs = 0; }},
      {"minibatch_size", [](auto& h) { h.minibatch_size = 0; }},
      {"clip_range", [](auto& h) { h.clip_range = 0; }},
      {"learning_rate", [](auto& h) { h.learning_rate = 0; }},
      {"value_clip_range", [](auto& h) { h.value_clip_range = -0.1; }},
      {"value_clip_range", [&](auto& h) { h.value_clip_range = infinity; }},
      {"target_kl", [](auto& h) { h.target_kl = -0.01; }},
      {"target_kl", [&](auto& h) { h.target_kl = nan; }},
      {"vtrace_rho", [](auto& h) { h.vtrace_rho = 0; }},
      {"vtrace_c", [&](auto& h) { h.vtrace_c = infinity; }},
      {"unroll", [](auto& h) { h.unroll = -1; }},
      {"schedule_steps", [](auto& h) { h.schedule = LearningRateSchedule::kLinear; }},
      {"schedule_steps", [](auto& h) { h.schedule = Schedule::kCosine; }},
      {"schedule_steps", [](auto& h) { h.clip_range_schedule = Schedule::kLinear; }},
      {"schedule_steps", [](auto& h) { h.entropy_weight_schedule = Schedule::kCosine; }},
      {"momentum", [](auto& h) { h.momentum = 1; }},
      {"weight_decay", [](auto& h) { h.weight_decay = -1; }},
      {"rms_decay", [](auto& h) { h.rms_decay = 1; }},
      {"adam_beta1", [](auto& h) { h.adam_beta1 = 1; }},
      {"adam_beta2", [&](auto& h) { h.adam_beta2 = nan; }},
      {"denominator_epsilon", [](auto& h) { h.denominator_epsilon = 0; }},
      {"max_gradient_norm", [](auto& h) { h.max_gradient_norm = -1; }},
      {"proximal", [](auto& h) { h.proximal = -0.1; }},
      {"proximal", [&](auto& h) { h.proximal = nan; }},
      {"proximal", [&](auto& h) { h.proximal = infinity; }},
      {"model_ensemble", [](auto& h) { h.model_ensemble = 0; }},
      {"model_ensemble", [](auto& h) { h.model_ensemble = 101; }},
      {"model_units", [](auto& h) { h.model_units = 0; }},
      {"model_units", [](auto& h) { h.model_units = 10'001; }},
      {"model_learning_rate", [](auto& h) { h.model_learning_rate = 0; }},
      {"model_ratio", [](auto& h) { h.model_ratio = -0.5; }},
      {"model_ratio", [&](auto& h) { h.model_ratio = nan; }},
      {"model_error_limit", [](auto& h) { h.model_error_limit = 0; }},
      {"model_error_limit", [&](auto& h) { h.model_error_limit = infinity; }},
      {"planning_ratio", [](auto& h) { h.planning_ratio = -1; }},
      {"planning_ratio", [](auto& h) { h.planning_ratio = 1'001; }},
      {"planning_steps", [](auto& h) { h.planning_steps = 0; }},
      {"planning_steps", [](auto& h) { h.planning_steps = h.minibatch_size + 1; }},
      {"planning_epsilon", [](auto& h) { h.planning_epsilon = 1.5; }},
      {"sweeping_exponent", [](auto& h) { h.sweeping_exponent = -0.1; }},
      {"sweeping_exponent",
       [](auto& h) {
         h.sweeping_exponent = 0.6;
         h.priority_exponent = 0.5;
       }},
      {"modellers", [](auto& h) { h.modellers = -1; }},
      {"modellers", [](auto& h) { h.modellers = 1'025; }},
      {"planners", [](auto& h) { h.planners = -1; }},
      {"planners", [](auto& h) { h.planners = 1'025; }}};
  for (const auto& [name, spoil] : cases) {
    Hyperparameters hyper;
    spoil(hyper);
    REQUIRE_THROWS_AS(hyper.check(), ArgumentError);
    REQUIRE_THROWS_WITH(hyper.check(), Catch::Contains(name) && Catch::Contains("expected"));
  }
}
