// How constants of learning change over a run.
#include "genkidama/rl/schedule.h"

#include <cmath>
#include <string>

#include "genkidama/rl/algorithms.h"
#include "learner_fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

TEST_CASE("each schedule has its value at the beginning, in the middle, at the end and after it") {
  for (const double done : {0.0, 0.5, 1.0, 1.5, 1e9}) {
    CAPTURE(done);
    CHECK(scheduled(Schedule::kConstant, 0.3, done) == 0.3);
    if (done >= 1) {
      CHECK(scheduled(Schedule::kLinear, 0.3, done) == 0);
      CHECK(scheduled(Schedule::kCosine, 0.3, done) == 0);
    }
  }
  CHECK(scheduled(Schedule::kLinear, 0.3, 0) == 0.3);
  CHECK(scheduled(Schedule::kLinear, 0.3, 0.25) == Approx(0.225));
  CHECK(scheduled(Schedule::kLinear, 0.3, 0.5) == Approx(0.15));
  CHECK(scheduled(Schedule::kCosine, 0.3, 0) == 0.3);
  CHECK(scheduled(Schedule::kCosine, 0.3, 0.25) == Approx(0.15 * (1 + std::sqrt(0.5))));
  CHECK(scheduled(Schedule::kCosine, 0.3, 0.5) == Approx(0.15));
  CHECK(scheduled(Schedule::kCosine, 0.3, 0.75) == Approx(0.15 * (1 - std::sqrt(0.5))));
  CHECK(scheduled(Schedule::kCosine, 0.3, 0.999) > 0);
}

TEST_CASE("the names of the schedules") {
  CHECK(schedule_name(Schedule::kConstant) == std::string("constant"));
  CHECK(schedule_name(Schedule::kLinear) == std::string("linear"));
  CHECK(schedule_name(Schedule::kCosine) == std::string("cosine"));
}

TEST_CASE("the entropy's weight of a3c and ppo follows its schedule") {
  for (const char* name : {"a3c", "ppo"}) {
    // The gradient of one segment's loss with this weight, and when it has fallen to that from twice as much.
    const auto gradient_of = [&](double weight, Schedule schedule, double done) {
      Random random(3);
      LocalNetwork network(mlp_network({{6}, false})(kSpec, 4), kSpec);
      Hyperparameters hyper;
      hyper.algorithm = name;
      hyper.epochs = 1;
      hyper.entropy_weight = weight;
      hyper.entropy_weight_schedule = schedule;
      hyper.schedule_steps = 100;
      Recorder recorder;
      recorder.done = done;
      const auto learner = learner_of(*make_algorithm(hyper), network, recorder);
      learner->learn_segment(random_segment(20, random));
      learner->learn_round(random);
      REQUIRE(recorder.steps == 1);
      return recorder.gradient;
    };
    const auto half = gradient_of(0.25, Schedule::kConstant, 0);
    CHECK(gradient_of(0.5, Schedule::kLinear, 0.5) == half);
    CHECK(gradient_of(0.5, Schedule::kLinear, 0) == gradient_of(0.5, Schedule::kConstant, 0.5));
    CHECK(gradient_of(0.5, Schedule::kLinear, 0) != half);
    CHECK(gradient_of(0.5, Schedule::kCosine, 2) == gradient_of(0, Schedule::kConstant, 0));
  }
}
