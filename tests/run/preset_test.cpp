#include "genkidama/run/preset.h"
#include "genkidama/rl/algorithm.h"

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "support/catch.h"

using namespace genkidama;

TEST_CASE("a preset fills the options of everyone who takes part in a run") {
  const run::Preset tuned = run::tuned_preset();
  OrchestratorOptions trainer;
  run::apply(tuned, trainer);
  CHECK(trainer.hyperparameters.learning_rate == 1e-3);
  CHECK(trainer.hyperparameters.algorithm == "ppo");
  CHECK(trainer.hyperparameters.schedule_steps == 3'000'000);
  trainer.hyperparameters.check();

  ParentOptions parent;
  run::apply(tuned, parent);
  CHECK(parent.alpha == 0.5);
  ChildOptions child;
  run::apply(tuned, child);
  CHECK(child.beta == 0.5);
  EvaluationRequest evaluation;
  run::apply(tuned, evaluation);
  CHECK(evaluation.greedy);
  CHECK(tuned.network(actor_critic_network(make_cart_pole()->spec()), 1)->layout().size() ==
        mlp_network()(actor_critic_network(make_cart_pole()->spec()), 1)->layout().size());
}

TEST_CASE("the thesis' preset is what the options are without one") {
  const run::Preset thesis = run::thesis_preset();
  OrchestratorOptions trainer;
  trainer.hyperparameters = tuned_hyperparameters();
  run::apply(thesis, trainer);
  CHECK(trainer.hyperparameters.algorithm == "a3c");
  CHECK(trainer.hyperparameters.learning_rate == Hyperparameters().learning_rate);
  CHECK(trainer.hyperparameters.schedule_steps == 0);
  trainer.hyperparameters.check();
  ParentOptions parent;
  run::apply(thesis, parent);
  CHECK(parent.alpha == 0.9);
  ChildOptions child;
  run::apply(thesis, child);
  CHECK(child.beta == 0);
  REQUIRE(thesis.max_steps);
  CHECK(*thesis.max_steps == 8'000'000);
  CHECK(thesis.network(actor_critic_network(make_cart_pole()->spec()), 1)->layout().size() ==
        thesis_network()(actor_critic_network(make_cart_pole()->spec()), 1)->layout().size());
}

TEST_CASE("the original preset is the thesis' with the faults of its program") {
  OrchestratorOptions original, thesis;
  run::apply(run::original_preset(), original);
  run::apply(run::thesis_preset(), thesis);
  original.hyperparameters.check();
  CHECK(!original.hyperparameters.bootstrap_truncated);
  CHECK(!original.hyperparameters.bootstrap_next);
  CHECK(original.hyperparameters.equal_draws);
  CHECK(original.hyperparameters.sharing == Sharing::kOneBuffer);
  CHECK(original.hyperparameters.epsilon == 0.01);
  CHECK(original.hyperparameters.learning_rate == thesis.hyperparameters.learning_rate);
  CHECK(original.hyperparameters.batch_size == thesis.hyperparameters.batch_size);
}

TEST_CASE("the thorough preset is tuned's with longer rounds and an entropy term that falls to 0") {
  const run::Preset thorough = run::thorough_preset();
  OrchestratorOptions trainer;
  run::apply(thorough, trainer);
  trainer.hyperparameters.check();
  CHECK(trainer.hyperparameters.round_steps == 4096);
  CHECK(trainer.hyperparameters.gae_lambda == 0.98);
  CHECK(trainer.hyperparameters.entropy_weight == tuned_hyperparameters().entropy_weight);
  CHECK(trainer.hyperparameters.entropy_weight_schedule == Schedule::kLinear);
  CHECK(trainer.hyperparameters.schedule_steps == 3'000'000);
  CHECK(thorough.greedy);
}

TEST_CASE("the preset for continuous actions is tuned's with longer rounds and without the entropy term") {
  const run::Preset control = run::control_preset();
  OrchestratorOptions trainer;
  run::apply(control, trainer);
  trainer.hyperparameters.check();
  CHECK(trainer.hyperparameters.algorithm == "ppo");
  CHECK(trainer.hyperparameters.entropy_weight == 0);
  CHECK(trainer.hyperparameters.round_steps == 4096);
  CHECK(trainer.hyperparameters.initial_log_deviation == 0);
  CHECK(trainer.hyperparameters.schedule_steps == 1'000'000);
  CHECK(control.greedy);
  CHECK(control.alpha == 0.5);
}

TEST_CASE("a preset says how the machines of a cluster share, and the thesis' way stays what it was") {
  const run::Preset tuned = run::tuned_preset(), thesis = run::thesis_preset();
  CHECK(thesis.exchange == ExchangeKind::kEach);
  CHECK(run::original_preset().exchange == ExchangeKind::kEach);
  CHECK(tuned.exchange == ExchangeKind::kRounds);
  CHECK(tuned.rounds.outer_optimizer.kind == OuterOptimizerKind::kNesterov);
  CHECK(tuned.rounds.outer_optimizer.momentum == 0.5);
  const Hyperparameters alone = run::hyperparameters_for(tuned, ExchangeKind::kEach);
  CHECK(alone.learning_rate == tuned.hyperparameters.learning_rate);
  CHECK(alone.round_end == RoundEnd::kEpisode);
  const Hyperparameters together = run::hyperparameters_for(tuned, ExchangeKind::kRounds);
  CHECK(together.learning_rate == 1.5 * tuned.hyperparameters.learning_rate);
  CHECK(together.round_end == RoundEnd::kStep);
  run::with_schedule_end(together, 1000).check();
  // What a copy changes holds in both ways.
  run::Preset own = tuned;
  own.hyperparameters.learning_rate = 0.25;
  own.hyperparameters.round_steps = 0;
  CHECK(run::hyperparameters_for(own, ExchangeKind::kRounds).learning_rate == 0.375);
  CHECK(run::hyperparameters_for(own, ExchangeKind::kRounds).round_end == RoundEnd::kEpisode);
  const Hyperparameters thesis_together = run::hyperparameters_for(thesis, ExchangeKind::kRounds);
  CHECK(thesis_together.learning_rate == thesis.hyperparameters.learning_rate);
  CHECK(thesis_together.round_end == RoundEnd::kEpisode);
  CHECK(thesis.rounds.outer_optimizer.kind == OuterOptimizerKind::kNone);
}

TEST_CASE("an open linear schedule ends with the machine's share of the run, and others stay") {
  Hyperparameters open;
  open.schedule = LearningRateSchedule::kLinear;
  CHECK(run::with_schedule_end(open, 1000).schedule_steps == 1000);
  CHECK(run::with_schedule_end(open, 1001, 2).schedule_steps == 501);
  CHECK(run::with_schedule_end(open, 18446744073709551615u, 2).schedule_steps == 9223372036854775808u);

  Hyperparameters given = open;
  given.schedule_steps = 10;
  CHECK(run::with_schedule_end(given, 1000).schedule_steps == 10);
  CHECK(run::with_schedule_end(Hyperparameters(), 1000).schedule_steps == 0);

  CHECK_THROWS_AS(run::with_schedule_end(open, 1000, 0), ArgumentError);

  OrchestratorOptions one_of_three;
  run::apply(run::tuned_preset(), one_of_three, 3);
  CHECK(one_of_three.hyperparameters.schedule_steps == 1'000'000);
}

TEST_CASE("a preset of another cut trains from code as it is") {
  using Make = run::Preset (*)();
  const Make make =
      GENERATE(as<Make>(), run::appo_preset, run::impala_preset, run::ga3c_preset, run::seed_preset,
               run::sample_factory_preset, run::ape_x_preset, run::r2d2_preset);
  const run::Preset preset = make();
  CAPTURE(preset.description);
  OrchestratorOptions options;
  run::apply(preset, options);
  options.workers = 2;
  options.mode = WorkerMode::kThreads;
  CHECK(options.learning == Learning::kCentral);
  CHECK(options.actor_mode == ActorMode::kAsynchronous);
  CHECK(options.inference.predictors == preset.inference.predictors);
  CoreOrchestrator trainer([] { return make_cart_pole(); }, preset.network, options);
  const RoundReport round = trainer.train_round();
  CHECK(round.steps_in_round >= static_cast<std::uint64_t>(options.hyperparameters.round_steps));
  CHECK((round.inference_rows > 0) == (preset.inference.predictors > 0));
}
