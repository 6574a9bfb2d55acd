#include "genkidama/params/policy_average.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

using Weights = std::vector<float>;

PolicyAverage swa(double from = 0) {
  return PolicyAverage({PolicyAverageKind::kSwa, 0.9, from});
}
PolicyAverage ema(double decay) {
  return PolicyAverage({PolicyAverageKind::kEma, decay, 0.5});
}

Weights now(const PolicyAverage& average) {
  const auto weights = average.weights_or({});
  return {weights.begin(), weights.end()};
}

}  // namespace

TEST_CASE("swa is the plain mean of the weights") {
  PolicyAverage average = swa();
  Random random(3);
  std::vector<double> sums(5, 0);
  for (int update = 1; update <= 1000; ++update) {
    Weights weights;
    for (double& sum : sums) {
      weights.push_back(static_cast<float>(random.uniform(-1, 3)));
      sum += weights.back();
    }
    average.add(weights);
    REQUIRE(average.count() == static_cast<std::uint64_t>(update));
    for (std::size_t i = 0; i < sums.size(); ++i) {
      CHECK(now(average)[i] == Approx(sums[i] / update).margin(1e-5));
    }
  }
}

TEST_CASE("ema starts as the first weights and moves by (1 - decay) of the difference") {
  PolicyAverage average = ema(0.75);
  average.add(Weights{4, -8});
  CHECK(now(average) == Weights{4, -8});
  average.add(Weights{8, -8});
  CHECK(now(average) == Weights{5, -8});
  average.add(Weights{5, 0});
  CHECK(now(average) == Weights{5, -6});
  CHECK(average.count() == 3);

  PolicyAverage latest = ema(0);
  for (const float weight : {1.0F, 7.0F, -2.5F}) latest.add(Weights{weight});
  CHECK(now(latest) == Weights{-2.5F});
}

TEST_CASE("weights that stand still are their own average, however long") {
  const Weights weights = {0.1F, -1.0F / 3, 1e-30F, 12345.678F};
  for (PolicyAverage average : {swa(), ema(0.9), ema(0.999)}) {
    for (int i = 0; i < 10'000; ++i) average.add(weights);
    CHECK(now(average) == weights);
  }
}

TEST_CASE("without averaging the latest weights are the policy's") {
  PolicyAverage average;
  average.add(Weights{1, 2});
  CHECK(average.count() == 0);
  const Weights latest = {3, 4};
  CHECK(average.weights_or(latest).data() == latest.data());
  CHECK(average.text() == "none");
}

TEST_CASE("swa averages from its share of the run on, and anew when the end was moved away") {
  PolicyAverage average = swa(0.5);
  const Weights latest = {9};
  average.add(Weights{1}, 0.25);
  average.add(Weights{2}, 0.499);
  CHECK(average.count() == 0);
  CHECK(average.weights_or(latest).data() == latest.data());
  average.add(Weights{3}, 0.5);
  average.add(Weights{5}, 1);
  CHECK(now(average) == Weights{4});
  average.add(Weights{7}, 0.4);
  CHECK(average.count() == 0);
  average.add(Weights{8}, 0.6);
  CHECK(now(average) == Weights{8});

  // An ema has no start.
  PolicyAverage moving = ema(0.5);
  moving.add(Weights{1}, 0);
  CHECK(moving.count() == 1);
}

TEST_CASE("an average that was saved and restored goes on bit for bit") {
  for (const auto& options : {PolicyAverageOptions{PolicyAverageKind::kSwa, 0.9, 0.5},
                              PolicyAverageOptions{PolicyAverageKind::kEma, 0.97, 0.5}}) {
    PolicyAverage whole(options), first(options), second(options);
    Random random(8);
    for (int update = 0; update < 60; ++update) {
      const Weights weights = {static_cast<float>(random.uniform(-1, 1)),
                               static_cast<float>(random.uniform(-9, 9))};
      whole.add(weights);
      if (update == 20) {
        const SavedState saved(first);
        second.restore(saved.reader());
      }
      (update < 20 ? first : second).add(weights);
    }
    CHECK(second.count() == 60);
    CHECK(now(second) == now(whole));
  }
}

TEST_CASE("what is averaged and how can be told") {
  CHECK(swa(0.25).text() == "swa from 0.25");
  CHECK(ema(0.9).text() == "ema 0.9");
  CHECK(policy_average_name(PolicyAverageKind::kEma) == std::string("ema"));
}

TEST_CASE("weights of another size or not finite are refused and change nothing") {
  PolicyAverage average = ema(0.5);
  average.add(Weights{1, 2});
  CHECK_THROWS_WITH(average.add(Weights{1, 2, 3}), Contains("3 weights with 2"));
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    CHECK_THROWS_WITH(average.add(Weights{0, bad}), Contains("weight 1 is"));
  }
  CHECK(now(average) == Weights{1, 2});
  CHECK(average.count() == 1);
}

TEST_CASE("an average goes on from the fields of a state of its own kind, and else begins anew") {
  PolicyAverage average = ema(0.5);
  for (const float weight : {1.0F, 3.0F}) average.add(Weights{weight, -weight});
  const SavedState saved(average);
  average.add(Weights{9, 9});  // a saved state does not follow
  CHECK(saved.reader().text("policy_average") == "ema");
  CHECK(saved.reader().u64("policy_average_count") == 2);
  CHECK(PolicyAverage::kind_in(saved.reader()) == "ema");
  PolicyAverage same = ema(0.9);
  same.restore(saved.reader());
  CHECK(same.count() == 2);
  CHECK(now(same) == Weights{2, -2});
  for (PolicyAverage other : {swa(), PolicyAverage()}) {
    other.add(Weights{5, 5});
    other.restore(saved.reader());
    CHECK(other.count() == 0);
  }
  // Nothing is written while there is no average, and nothing is what it is restored to.
  const SavedState nothing(ema(0.5));
  CHECK_FALSE(nothing.reader().has("policy_average"));
  CHECK(PolicyAverage::kind_in(nothing.reader()) == "none");
  same.restore(nothing.reader());
  CHECK(same.count() == 0);
  CHECK(now(same).empty());
}

TEST_CASE("a decay, a start or a state that makes no sense is refused") {
  for (const double bad : {1.0, -0.1, 2.0, std::nan("")}) {
    CHECK_THROWS_WITH(ema(bad), Contains("the decay"));
    CHECK_THROWS_WITH(swa(bad), Contains("the start"));
  }
  PolicyAverage average = swa();
  CHECK_THROWS_AS(average.restore({2, {}}), ArgumentError);
  CHECK_THROWS_AS(average.restore({0, {1.0F}}), ArgumentError);
  const auto restore = [&](std::map<std::string, std::string> metadata, std::vector<float> weights) {
    Checkpoint state;
    if (!weights.empty()) state.layout = ParameterLayout({{"genkidama.policy_average", {1}}});
    state.weights = std::move(weights);
    state.metadata = std::move(metadata);
    average.restore(StateReader(state, "state"));
  };
  CHECK_THROWS_WITH(restore({{"policy_average", "swa"}, {"policy_average_count", "2"}}, {}),
                    Contains("counts 2 updates and has 0 weights"));
  CHECK_THROWS_AS(restore({{"policy_average", "swa"}, {"policy_average_count", "0"}}, {1}), FormatError);
  CHECK_THROWS_AS(restore({{"policy_average", "swa"}}, {1}), FormatError);
}
