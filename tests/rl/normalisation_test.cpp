#include "rl/normalisation.h"

#include <cmath>
#include <limits>
#include <vector>

#include "genkidama/core/error.h"
#include "rl/policy_record.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

constexpr std::size_t kSize = 2;

/// Observations {0, 5}, {2, 5}, {4, 5} with returns 1, 1, 4: means 2, 5, 2, variances 8/3, 0, 2.
Normalisation example() {
  Normalisation normalisation;
  normalisation.observations = true;
  normalisation.rewards = true;
  normalisation.clip = 3;
  normalisation.statistics = RunningStatistics(Normalisation::components(kSize));
  for (const std::vector<float>& vector : {std::vector<float>{0, 5, 1}, {2, 5, 1}, {4, 5, 4}})
    normalisation.statistics.add(vector);
  return normalisation;
}

std::vector<float> applied(const Normaliser& normaliser, const std::vector<float>& observation) {
  std::vector<float> normalised(observation.size());
  normaliser.apply(observation, normalised);
  return normalised;
}

}  // namespace

TEST_CASE("observations lose their mean and are divided by their deviation") {
  const Normaliser normaliser(example(), kSize);
  REQUIRE(normaliser.changes_observations());
  const double deviation = std::sqrt(8.0 / 3 + 1e-8);
  CHECK(applied(normaliser, {4, 5})[0] == Approx(2 / deviation));
  CHECK(applied(normaliser, {1, 5})[0] == Approx(-1 / deviation));
  SECTION("and are cut") {
    CHECK(applied(normaliser, {1000, 5})[0] == 3);
    CHECK(applied(normaliser, {-1000, 5})[0] == -3);
  }
  SECTION("and one that never changed is 0 as long as it does not change") {
    CHECK(applied(normaliser, {4, 5})[1] == 0);
    CHECK(applied(normaliser, {4, 6})[1] == 3);
  }
}

TEST_CASE("rewards are divided by the deviation of the discounted return") {
  CHECK(Normaliser(example(), kSize).reward_scale() == Approx(1 / std::sqrt(2.0)));
  Normalisation only_observations = example();
  only_observations.rewards = false;
  CHECK(Normaliser(only_observations, kSize).reward_scale() == 1);
  CHECK(Normaliser(only_observations, kSize).changes_observations());
  Normalisation only_rewards = example();
  only_rewards.observations = false;
  CHECK(Normaliser(only_rewards, kSize).reward_scale() != 1);
  CHECK_FALSE(Normaliser(only_rewards, kSize).changes_observations());
}

TEST_CASE("before anything was counted nothing is normalised") {
  Normalisation empty = example();
  empty.statistics.clear();
  CHECK_FALSE(Normaliser(empty, kSize).changes_observations());
  CHECK(Normaliser(empty, kSize).reward_scale() == 1);
  CHECK_FALSE(Normaliser().changes_observations());
}

TEST_CASE("a shared array gives the same normaliser") {
  std::vector<double> shared(Normaliser::shared_size(kSize), 77);
  Normaliser::write(example(), shared);
  const Normaliser normaliser{std::span<const double>(shared)};
  CHECK(applied(normaliser, {1, 7}) == applied(Normaliser(example(), kSize), {1, 7}));
  CHECK(normaliser.reward_scale() == Normaliser(example(), kSize).reward_scale());
}

TEST_CASE("a policy's metadata holds its normalisation") {
  PolicyRecord record;
  record.sizes = NetworkSpec{{static_cast<int>(kSize)}, 3, 1};
  record.normalisation = example();
  auto metadata = to_metadata(record);
  CHECK(metadata.at("normalisation") == "observations rewards 3");
  const auto read = policy_record("file", metadata).normalisation;
  REQUIRE(read);
  CHECK(read->observations);
  CHECK(read->rewards);
  CHECK(read->clip == 3);
  CHECK(read->statistics == example().statistics);

  CHECK_FALSE(policy_record("file", to_metadata({})).normalisation);

  SECTION("and damage to it is an error that names the file") {
    const auto refused = [&](const char* key, const std::string& text) {
      auto damaged = metadata;
      damaged[key] = text;
      CHECK_THROWS_MATCHES(policy_record("file", damaged), FormatError,
                           Catch::Message("'file' does not say what its policy's observations are normalised "
                                          "with: expected 'normalisation' as \"observations CLIP\" and "
                                          "'observation_statistics' as a count, means and sums of squares of "
                                          "observations of 2 floats and of the return"));
    };
    for (const char* kind : {"", "observations", "observations 0", "observations -1", "observations nan",
                             "rewards observations 3", "observations 3 ", "observations rewards 3x", "3 3"})
      refused("normalisation", kind);
    // A statistic too many, one too few, no number, spaces too many, a negative square, half a vector.
    for (const char* values : {"3 2 5 2 8 0 6 1", "3 2 5 2 8 0", "3 2 5 2 8 0 x", "3 2 5 2 8 0 6 ",
                               "3  2 5 2 8 0 6", "3 2 5 2 8 -1 6", "2.5 2 5 2 8 0 6", ""})
      refused("observation_statistics", values);
    metadata.erase("normalisation");
    CHECK_THROWS_AS(policy_record("file", metadata), FormatError);
  }
}
