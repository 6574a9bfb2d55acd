#include "genkidama/env/recall.h"

#include <algorithm>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/check_environment.h"
#include "support/catch.h"

namespace genkidama {
namespace {

/// The component that is 1, or -1 when all are 0.
int shown(Observation observation) {
  const auto one = std::find(observation.begin(), observation.end(), 1.0f);
  CHECK(std::count(observation.begin(), observation.end(), 0.0f) >=
        static_cast<std::ptrdiff_t>(observation.size()) - 1);
  return one == observation.end() ? -1 : static_cast<int>(one - observation.begin());
}

/// Plays an episode: `act` chooses from the cue and the step. Returns the sum of rewards.
template <typename Act>
double play(Environment& environment, std::uint64_t seed, const RecallOptions& options, const Act& act) {
  const int cue = shown(environment.reset(seed));
  REQUIRE(cue >= 0);
  REQUIRE(cue < options.cues);
  double sum = 0;
  for (int step = 0; step <= options.delay; ++step) {
    const StepResult result = environment.step(act(cue, step));
    sum += result.reward;
    CHECK_FALSE(result.truncated);
    CHECK(result.terminated == (step == options.delay));
    CHECK(shown(result.observation) == (step == options.delay - 1 ? options.cues : -1));
    if (!result.terminated) CHECK(result.reward == 0);
  }
  return sum;
}

TEST_CASE("Recall asks for the cue after the delay, and the return says whether the answer was right") {
  for (const RecallOptions& options : {RecallOptions{}, {5, 1}, {3, 7}}) {
    CAPTURE(options.cues, options.delay);
    const auto environment = make_recall(options);
    CHECK(environment->spec().observation_size == options.cues + 1);
    CHECK(environment->spec().action_count == options.cues);
    CHECK(environment->spec().time_limit == options.delay + 1);
    CHECK(environment->spec().reward_threshold == 0.99);
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      const auto remember = [](int cue, int) { return cue; };
      const auto err = [&](int cue, int) { return (cue + 1) % options.cues; };
      CHECK(play(*environment, seed, options, remember) == 1);
      CHECK(play(*environment, seed, options, err) == 0);
      // Only the action after the question counts.
      CHECK(play(*environment, seed, options, [&](int cue, int step) {
              return step == options.delay ? cue : (cue + 1) % options.cues;
            }) == 1);
    }
  }
  CHECK(RecallOptions{}.cues == 2);
  CHECK(RecallOptions{}.delay == 20);
}

TEST_CASE("without memory Recall is a guess") {
  const auto environment = make_recall();
  for (const int answer : {0, 1}) {
    double right = 0;
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
      right += play(*environment, seed, {}, [&](int, int) { return answer; });
    }
    CHECK(right / 2000 == Approx(0.5).margin(0.04));
  }
}

TEST_CASE("Recall draws every cue equally often") {
  const auto environment = make_recall({4, 3});
  std::vector<int> counts(4);
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    ++counts[static_cast<std::size_t>(shown(environment->reset(seed)))];
  }
  for (const int count : counts) CHECK(count == Approx(1000).margin(110));
}

TEST_CASE("Recall keeps the environment contract") {
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  for (const RecallOptions& recall : {RecallOptions{}, {3, 1}}) {
    const EnvironmentReport report = check_environment([&] { return make_recall(recall); }, options);
    CAPTURE(to_text(report));
    CHECK(report.findings.empty());
    CHECK(report.terminated == report.episodes);
  }
}

TEST_CASE("Recall names an option that is out of range, and an action it does not know") {
  CHECK_THROWS_AS(make_recall({1, 20}), ArgumentError);
  CHECK_THROWS_WITH(make_recall({1, 20}), Catch::Equals("RecallOptions::cues is 1, expected 2 to 1000"));
  CHECK_THROWS_WITH(make_recall({1001, 20}), Catch::Contains("RecallOptions::cues is 1001"));
  CHECK_THROWS_WITH(make_recall({2, 0}), Catch::Equals("RecallOptions::delay is 0, expected 1 to 1000000"));
  CHECK_THROWS_WITH(make_recall({2, 1'000'001}), Catch::Contains("RecallOptions::delay is 1000001"));
  const auto environment = make_recall();
  environment->reset(0);
  CHECK_THROWS_WITH(environment->step(2),
                    Catch::Equals("Recall (2 cues, 20 steps): action 2 given, expected 0 to 1"));
}

}  // namespace
}  // namespace genkidama
