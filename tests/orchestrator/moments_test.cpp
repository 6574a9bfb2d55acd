// What a trainer's optimizer remembers, as machines average it.
#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/trained.h"
#include "support/catch.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

const ActionSpace kActions{.choices = {3}, .low = {-1}, .high = {1}};

OrchestratorOptions options_for(const std::string& optimizer, Sharing sharing = Sharing::kHogwild,
                                int workers = 1) {
  OrchestratorOptions options;
  options.mode = WorkerMode::kThreads;
  options.workers = workers;
  Hyperparameters& hyper = options.hyperparameters;
  hyper.algorithm = "ppo";
  hyper.optimizer = optimizer;
  hyper.sharing = sharing;
  hyper.learning_rate = 1e-3;
  hyper.weight_decay = 0;
  hyper.round_steps = 200;
  return options;
}

std::unique_ptr<CoreOrchestrator> make(const OrchestratorOptions& options) {
  return std::make_unique<CoreOrchestrator>(target_factory(kActions, false), mlp_network({.hidden = {8}}),
                                            options);
}

OptimizerMoments moments_of(const CoreOrchestrator& trainer) {
  OptimizerMoments moments;
  trainer.read_moments(moments);
  return moments;
}

}  // namespace

TEST_CASE("each optimizer says which of its numbers are means of squares") {
  const auto shape_of = [](const char* optimizer, double momentum = 0.9) {
    OrchestratorOptions options = options_for(optimizer);
    options.hyperparameters.momentum = momentum;
    const auto trainer = make(options);
    const std::size_t n = trainer->layout().size();
    MomentsShape shape = trainer->moments_shape();
    CHECK(shape.size % n == 0);
    return std::vector<std::size_t>{shape.size / n, shape.squares_begin / n, shape.squares_end / n};
  };
  using Shape = std::vector<std::size_t>;
  CHECK(shape_of("sgd") == Shape{1, 0, 0});
  CHECK(shape_of("sgd", 0) == Shape{0, 0, 0});
  CHECK(shape_of("rmsprop") == Shape{2, 0, 1});
  CHECK(shape_of("adam") == Shape{2, 1, 2});
  CHECK(shape_of("adamw") == Shape{2, 1, 2});
}

TEST_CASE("what an optimizer has learnt fits the shape of its moments") {
  for (const char* optimizer : {"sgd", "rmsprop", "adam"}) {
    const auto trainer = make(options_for(optimizer));
    CHECK(moments_of(*trainer).steps == 0);
    const RoundReport round = trainer->train_round();
    const OptimizerMoments moments = moments_of(*trainer);
    CHECK(moments.steps == round.optimizer_steps);
    CHECK(moments_fault(trainer->moments_shape(), moments.values).empty());
    CHECK(std::any_of(moments.values.begin(), moments.values.end(), [](float value) { return value != 0; }));
  }
}

TEST_CASE("a trainer that is given weights and moments of another goes on as that one does") {
  OrchestratorOptions options = options_for("adam");
  const auto one = make(options);
  one->train_round();
  const auto other = make(options);
  // The same round is played next: the number of the round and the seed say which.
  other->train_round();
  other->write_weights(weights_of(*one));
  OptimizerMoments wrong = moments_of(*one);
  for (float& value : wrong.values) value *= 0.5f;
  other->write_moments(wrong);
  const auto third = make(options);
  third->train_round();
  third->write_weights(weights_of(*one));
  third->write_moments(moments_of(*one));
  for (auto* trainer : {one.get(), other.get(), third.get()}) trainer->train_round();
  CHECK(weights_of(*third) == weights_of(*one));
  CHECK(moments_of(*third) == moments_of(*one));
  CHECK(weights_of(*other) != weights_of(*one));
}

TEST_CASE("the steps that bias is corrected by go with the moments") {
  const auto one = make(options_for("adam")), young = make(options_for("adam"));
  for (int round = 0; round < 3; ++round) one->train_round();
  const OptimizerMoments moments = moments_of(*one);
  young->write_moments(moments);
  CHECK(moments_of(*young) == moments);
  const RoundReport round = young->train_round();
  CHECK(moments_of(*young).steps == moments.steps + round.optimizer_steps);
}

TEST_CASE("workers with moments of their own have one mean, and go on from the same") {
  const auto trainer = make(options_for("adam", Sharing::kLocal, 2));
  trainer->train_round();
  const OptimizerMoments mean = moments_of(*trainer);
  CHECK(moments_fault(trainer->moments_shape(), mean.values).empty());
  CHECK(mean.steps > 0);
  // Both have what is written: their mean is that, bit for bit.
  OptimizerMoments given = mean;
  given.steps += 100;
  for (std::size_t i = 0; i < given.values.size(); ++i) given.values[i] += 0.25f;
  trainer->write_moments(given);
  CHECK(moments_of(*trainer) == given);
  StateWriter writer;
  trainer->save(writer);
  const Checkpoint state = writer.take();
  const auto kept = StateReader(state, "state").floats("optimizer_state").values;
  REQUIRE(kept.size() == 2 * given.values.size());
  CHECK(std::equal(given.values.begin(), given.values.end(), kept.begin()));
  CHECK(std::equal(given.values.begin(), given.values.end(), kept.begin() + kept.size() / 2));
}

TEST_CASE("what are no moments of a trainer is refused, and nothing has changed then") {
  const auto trainer = make(options_for("adam"));
  trainer->train_round();
  const OptimizerMoments before = moments_of(*trainer);
  const auto refused = [&](const OptimizerMoments& given, const char* text) {
    CHECK_THROWS_AS(trainer->write_moments(given), ArgumentError);
    CHECK_THROWS_WITH(trainer->write_moments(given), Contains(text));
    CHECK(moments_of(*trainer) == before);
  };
  OptimizerMoments bad = before;
  bad.values.pop_back();
  refused(bad, "expected");
  bad = before;
  bad.values[0] = std::numeric_limits<float>::quiet_NaN();
  refused(bad, "moment 0");
  bad = before;
  bad.values.back() = -1;
  refused(bad, "mean of squares");
}
