// The environments: a step, a reset, whole episodes; and LunarLander's step against Box2D's own.
//
// The bare world has the same bodies, fixtures and joints, and gets the same pushes, time step and
// iterations, but no contact listener: nothing is observed, rewarded or checked. Pushes are recorded as the
// velocities that follow from them. That the bare world went the same way, bit for bit, is checked before
// anything is timed.

#include <benchmark/benchmark.h>
#include <box2d/box2d.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "env/box2d_clock.h"
#include "env/lunar_lander_world.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/env/lunar_lander.h"
#include "support/lunar_lander_policies.h"
#include "support/recorded_episodes.h"
#include "support/samples.h"

namespace genkidama::benchmarks {
namespace {

constexpr int kEpisodes = 64;
constexpr std::uint64_t kSeed = 1;

struct Push {
  b2Vec2 velocity;
  float turn = 0;
};

struct BareStep {
  std::optional<Push> push;
  int velocity_iterations = 0;
  int position_iterations = 0;
};

struct Flight {
  RecordedEpisode episode;
  std::vector<BareStep> steps;  ///< the one that reset() makes, then one for each action
  b2Vec2 end;                   ///< where the lander was at last
};

/// LunarLander's world without LunarLander: only Box2D works in step().
class BareLander {
 public:
  explicit BareLander(std::uint64_t seed)
      : random_(seed),
        world_(random_),
        lander_(const_cast<b2Body*>(&world_.lander())),
        bare_(lander_->GetWorld()) {
    bare_->SetContactListener(nullptr);
  }

  void step(const BareStep& step) {
    if (step.push) {
      lander_->SetLinearVelocity(step.push->velocity);
      lander_->SetAngularVelocity(step.push->turn);
    }
    const WithoutBox2dClock no_clock;  // as in the environment
    bare_->Step(static_cast<float>(1 / kLanderFps), step.velocity_iterations, step.position_iterations);
  }

  b2Vec2 position() const { return lander_->GetPosition(); }

 private:
  Random random_;
  LunarLanderWorld world_;
  b2Body* lander_;
  b2World* bare_;
};

/// Plays what LunarLander plays, and writes down what its world is told.
class Recorder {
 public:
  explicit Recorder(std::uint64_t seed) : random_(seed), world_(random_) { play(0); }

  void play(int action) {
    const double first = random_.uniform(-1, 1) / kLanderScale;
    const std::array<double, 2> dispersion{first, random_.uniform(-1, 1) / kLanderScale};
    if (action == 2) {
      world_.fire_main_engine(dispersion, 1);
    } else if (action != 0) {
      world_.fire_side_engine(dispersion, action - 2);
    }
    BareStep step;
    const b2Body& lander = world_.lander();
    if (action != 0) step.push = {lander.GetLinearVelocity(), lander.GetAngularVelocity()};
    const bool hard = steps_.size() < 3 || touching();
    const LunarLanderIterations& iterations = kFaithfulIterations;
    step.velocity_iterations = hard ? iterations.contact_velocity : iterations.flight_velocity;
    step.position_iterations = hard ? iterations.contact_position : iterations.flight_position;
    world_.advance(iterations);
    steps_.push_back(step);
  }

  b2Vec2 position() const { return world_.lander().GetPosition(); }
  std::vector<BareStep> steps() const { return steps_; }

 private:
  bool touching() const {
    for (const b2Contact* c = world_.lander().GetWorld()->GetContactList(); c != nullptr; c = c->GetNext()) {
      if (c->IsTouching()) return true;
    }
    return false;
  }

  Random random_;
  LunarLanderWorld world_;
  std::vector<BareStep> steps_;
};

Policy policy_named(const std::string& name) {
  return [policy = test::LunarLanderPolicy(name)](Observation state, Random& random) {
    return policy(state, random);
  };
}

Flight record_flight(Environment& environment, RecordedEpisode episode) {
  Recorder recorder(episode.seed);
  StepResult result;
  environment.reset(episode.seed);
  for (const int action : episode.actions) {
    recorder.play(action);
    result = environment.step(action);
  }
  Flight flight{std::move(episode), recorder.steps(), recorder.position()};
  const double half_width = kLanderWidth_m / 2;
  BareLander bare(flight.episode.seed);
  for (const BareStep& step : flight.steps) bare.step(step);
  const bool same = bare.position() == flight.end &&
                    result.observation[0] == static_cast<float>((flight.end.x - half_width) / half_width);
  if (!same)
    throw std::logic_error("the bare world went another way than LunarLander; has its schedule changed?");
  return flight;
}

void lunar_lander_against_bare(benchmark::State& state, const std::string& policy) {
  const auto environment = make_checked(make_lunar_lander());
  std::vector<Flight> flights;
  try {
    for (auto& episode : record_episodes(*environment, policy_named(policy), kEpisodes, kSeed)) {
      flights.push_back(record_flight(*environment, std::move(episode)));
    }
  } catch (const std::logic_error& error) {
    state.SkipWithError(error.what());
    return;
  }
  double full = 0;
  double bare = 0;
  double steps = 0;
  std::size_t next = 0;
  for (auto _ : state) {
    const Flight& flight = flights[next++ % flights.size()];
    environment->reset(flight.episode.seed);
    BareLander lander(flight.episode.seed);
    lander.step(flight.steps.front());
    const double start = processor_seconds();
    for (const int action : flight.episode.actions) {
      benchmark::DoNotOptimize(environment->step(action).reward);
    }
    const double middle = processor_seconds();
    for (std::size_t i = 1; i < flight.steps.size(); ++i) lander.step(flight.steps[i]);
    const double end = processor_seconds();
    full += middle - start;
    bare += end - middle;
    steps += static_cast<double>(flight.episode.actions.size());
    state.SetIterationTime(end - start);
  }
  state.counters["step_us"] = 1e6 * full / steps;
  state.counters["bare_us"] = 1e6 * bare / steps;
  state.counters["ratio"] = full / bare;
}

/// Whole episodes with resets, as gym's figure counts them; items are steps.
void play(benchmark::State& state, Environment& environment, const Policy& policy) {
  std::int64_t steps = 0;
  std::uint64_t episode = 0;
  Random random(kSeed);
  for (auto _ : state) {
    StepResult result;
    result.observation = environment.reset(derive_seed(kSeed, {episode++}));
    while (!result.terminated && !result.truncated) {
      result = environment.step(policy(result.observation, random));
      ++steps;
    }
  }
  state.SetItemsProcessed(steps);
}

void reset(benchmark::State& state) {
  const auto environment = make_checked(make_lunar_lander());
  std::uint64_t seed = 0;
  for (auto _ : state) benchmark::DoNotOptimize(environment->reset(++seed).data());
}

void play_lunar_lander(benchmark::State& state, const std::string& policy) {
  play(state, *make_checked(make_lunar_lander()), policy_named(policy));
}

void play_cart_pole(benchmark::State& state) {
  play(state, *make_checked(make_cart_pole()),
       [](Observation, Random& random) { return static_cast<int>(random.below(2)); });
}

[[maybe_unused]] const bool registered = [] {
  for (const std::string policy : {"random", "heuristic"}) {
    benchmark::RegisterBenchmark(("lunar_lander/step_against_bare/" + policy).c_str(),
                                 lunar_lander_against_bare, policy)
        ->UseManualTime();
    benchmark::RegisterBenchmark(("lunar_lander/play/" + policy).c_str(), play_lunar_lander, policy);
  }
  benchmark::RegisterBenchmark("lunar_lander/reset", reset);
  benchmark::RegisterBenchmark("cart_pole/play/random", play_cart_pole);
  return true;
}();

}  // namespace
}  // namespace genkidama::benchmarks
