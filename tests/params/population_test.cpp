#include "genkidama/params/population.h"

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

using Weights = std::vector<float>;
constexpr std::uint64_t kReady = 1'000;

PopulationOptions options_of(std::uint64_t seed = 1) {
  PopulationOptions options;
  options.explored = {{"learning_rate", 1e-5, 1e-2, true}, {"entropy_weight", 0, 0.05}};
  options.ready_steps = kReady;
  options.seed = seed;
  return options;
}

bool anybody(const std::string&) {
  return true;
}

/// Members a, b, c, ... that have joined.
Population population_of(std::size_t members, const PopulationOptions& options = options_of()) {
  Population population(options);
  for (std::size_t i = 0; i < members; ++i)
    population.join(std::string(1, static_cast<char>('a' + i)), Weights{static_cast<float>(i), 0});
  return population;
}

/// A member that is ready tells this mean return.
std::vector<PopulationChange> tell(Population& population, const std::string& name, double mean,
                                   const std::function<bool(const std::string&)>& source = anybody) {
  const Weights weights{static_cast<float>(mean), 7};
  return population.take({name, weights, true, {kReady, 10}, mean}, source);
}

std::size_t count_of(const std::vector<PopulationChange>& changes, PopulationChangeKind kind) {
  std::size_t count = 0;
  for (const PopulationChange& each : changes) count += each.kind == kind ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("first values lie in their ranges, differ between members, and follow from seed and name") {
  const Population first = population_of(20), again = population_of(20),
                   other = population_of(20, options_of(2));
  double above = 0;
  for (const PopulationMember& member : first.members()) {
    CHECK(member.values[0] >= 1e-5);
    CHECK(member.values[0] <= 1e-2);
    CHECK(member.values[1] >= 0);
    CHECK(member.values[1] <= 0.05);
    CHECK(member.values == again.find(member.name)->values);
    CHECK(member.values != other.find(member.name)->values);
    above += member.values[0] > std::sqrt(1e-5 * 1e-2) ? 1 : 0;
  }
  // Drawn evenly, nearly all of them would be.
  CHECK(above > 4);
  CHECK(above < 16);
  CHECK(first.members()[0].values != first.members()[1].values);
}

TEST_CASE("the lowest fifth copies the highest fifth, and explores by a fifth less or a quarter more") {
  Population population = population_of(5);
  const std::vector<std::string> names{"a", "b", "c", "d"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto changes = tell(population, names[i], 10.0 + static_cast<double>(i));
    CHECK(count_of(changes, PopulationChangeKind::kStart) == 1);
    CHECK(count_of(changes, PopulationChangeKind::kExploit) == 0);
  }
  const std::vector<double> before = population.find("e")->values, source = population.find("d")->values;
  const auto changes = tell(population, "e", 1);
  REQUIRE(changes.size() == 2);
  const PopulationChange& change = changes[1];
  CHECK(change.kind == PopulationChangeKind::kExploit);
  CHECK(change.member == "e");
  CHECK(change.source == "d");
  CHECK(change.score == 1.0);
  CHECK(change.source_score == 13.0);
  CHECK(change.steps == kReady);
  CHECK(change.before == before);
  const PopulationMember& copied = *population.find("e");
  CHECK(change.after == copied.values);
  for (std::size_t i = 0; i < copied.values.size(); ++i) {
    const double factor = copied.values[i] / source[i];
    const bool is_at_end = copied.values[i] == population.options().explored[i].high;
    CHECK((is_at_end || factor == Approx(0.8) || factor == Approx(1.25)));
  }
  CHECK(*copied.weights == *population.find("d")->weights);
  // How it does with other values is not known yet, so nobody copies it.
  CHECK_FALSE(copied.score);
  CHECK(population.best()->name == "d");
  CHECK(copied.is_changed);
  CHECK(copied.copies == 1);
  // Whoever is neither low nor high goes on as it is.
  CHECK(tell(population, "b", 12).empty());
}

TEST_CASE("a member decides only when it has played ready_steps and an episode has ended") {
  Population population = population_of(2);
  tell(population, "a", 100);
  const auto part = [&](std::uint64_t steps, std::uint64_t episodes, double mean) {
    return population.take({"b", Weights{1, 1}, true, {steps, episodes}, mean}, anybody);
  };
  CHECK(count_of(part(kReady - 1, 1, 4), PopulationChangeKind::kExploit) == 0);
  CHECK_FALSE(population.find("b")->score);
  const auto changes = part(1, 3, 0);
  REQUIRE(changes.size() == 1);
  // The mean over four episodes, not over two reports.
  CHECK(changes[0].score == 1.0);
  // An episode must have ended.
  CHECK(part(2 * kReady, 0, 0).empty());
  CHECK(population.find("b")->decisions == 1);
  CHECK(part(0, 1, 5).size() == 1);
}

TEST_CASE("of equal scores nobody is copied, and a member alone copies nobody") {
  Population population = population_of(2);
  CHECK(count_of(tell(population, "a", 5), PopulationChangeKind::kExploit) == 0);
  CHECK(count_of(tell(population, "b", 5), PopulationChangeKind::kExploit) == 0);
  Population alone = population_of(1);
  CHECK(count_of(tell(alone, "a", 5), PopulationChangeKind::kExploit) == 0);
  CHECK(alone.best()->name == "a");
}

TEST_CASE("who may not be a source is not copied") {
  Population population = population_of(3);
  tell(population, "b", 50);
  tell(population, "a", 100);
  const auto not_a = [](const std::string& name) { return name != "a"; };
  const auto changes = tell(population, "c", 1, not_a);
  REQUIRE(count_of(changes, PopulationChangeKind::kExploit) == 1);
  CHECK(changes.back().source == "b");
  // The weights of one that is away are still the best.
  CHECK(population.best()->name == "a");
}

TEST_CASE("a member that has diverged copies another one at once and is no source") {
  Population population = population_of(3);
  tell(population, "a", 100);
  tell(population, "b", 200);
  const Weights broken{std::numeric_limits<float>::quiet_NaN(), 0};
  SECTION("in its weights") {
    const auto changes = population.take({"b", broken, false, {1, 0}, 0}, anybody);
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].kind == PopulationChangeKind::kDiverged);
    CHECK(changes[0].source == "a");
    CHECK(*population.find("b")->weights == *population.find("a")->weights);
  }
  SECTION("in its returns") {
    const auto changes =
        population.take({"b", Weights{1, 1}, true, {1, 1}, std::numeric_limits<double>::infinity()}, anybody);
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].source == "a");
    CHECK_FALSE(population.find("b")->score);
  }
  SECTION("with nobody to copy it goes on from its last weights with other values") {
    const Weights kept = *population.find("b")->weights;
    const auto values = population.find("b")->values;
    const auto changes =
        population.take({"b", broken, false, {1, 0}, 0}, [](const std::string&) { return false; });
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].source.empty());
    CHECK(*population.find("b")->weights == kept);
    CHECK(population.find("b")->values != values);
    CHECK_FALSE(population.find("b")->score);
    CHECK(population.best()->name == "a");
  }
}

TEST_CASE("values that explore stay in their ranges, and 0 is drawn anew") {
  PopulationOptions options = options_of();
  options.explored = {{"learning_rate", 1e-3, 1.1e-3}, {"entropy_weight", 0, 0.05}};
  SECTION("by factors") {}
  SECTION("anew") {
    options.resample = 1;
  }
  Population population = population_of(2, options);
  tell(population, "a", 1e9);
  bool moved = false;
  for (int i = 0; i < 50; ++i) {
    const auto changes = tell(population, "b", i);
    REQUIRE(count_of(changes, PopulationChangeKind::kExploit) == 1);
    const auto& values = population.find("b")->values;
    CHECK(values[0] >= 1e-3);
    CHECK(values[0] <= 1.1e-3);
    CHECK(values[1] >= 0);
    CHECK(values[1] <= 0.05);
    moved = moved || values != changes.back().before;
  }
  CHECK(moved);
}

TEST_CASE("the same reports give the same decisions") {
  const auto play = [](std::uint64_t seed) {
    Population population = population_of(6, options_of(seed));
    std::vector<double> values;
    for (int round = 0; round < 20; ++round) {
      for (const char* name : {"a", "b", "c", "d", "e", "f"})
        tell(population, name, std::sin(round * 7.0 + name[0]));
    }
    for (const PopulationMember& each : population.members())
      values.insert(values.end(), each.values.begin(), each.values.end());
    return values;
  };
  CHECK(play(1) == play(1));
  CHECK(play(1) != play(2));
}

TEST_CASE("a population goes on from its state as if nothing had happened") {
  Population population = population_of(4);
  for (const char* name : {"a", "b", "c"}) tell(population, name, name[0]);
  population.take({"b", Weights{3, 4}, true, {500, 2}, 9}, anybody);
  const SavedState state(population);
  Population restored(options_of());
  restored.restore(state.reader());
  REQUIRE(restored.members().size() == 4);
  CHECK_FALSE(restored.find("d")->score);
  CHECK(*restored.find("b")->weights == Weights{3, 4});
  for (Population* each : {&population, &restored}) tell(*each, "d", 1);
  for (const PopulationMember& member : population.members()) {
    const PopulationMember& other = *restored.find(member.name);
    CHECK(other.values == member.values);
    CHECK(other.score == member.score);
    CHECK(other.steps == member.steps);
    CHECK(other.decisions == member.decisions);
    CHECK(other.copies == member.copies);
    CHECK(other.is_changed == member.is_changed);
    CHECK(other.since_decision == member.since_decision);
    CHECK(other.returns == member.returns);
    CHECK(*other.weights == *member.weights);
  }
}

TEST_CASE("the state of a population that explores something else is refused, and of other ranges clamped") {
  const SavedState state(population_of(2));
  PopulationOptions others = options_of();
  others.explored[1].name = "gamma";
  Population population(others);
  CHECK_THROWS_MATCHES(
      population.restore(state.reader()), LayoutError,
      Catch::Message(
          "a state in memory: its population explores [learning_rate, entropy_weight], and this one "
          "[learning_rate, gamma]; expected the same"));
  PopulationOptions narrow = options_of();
  narrow.explored[0] = {"learning_rate", 1, 2};
  Population clamped(narrow);
  clamped.restore(state.reader());
  for (const PopulationMember& each : clamped.members()) CHECK(each.values[0] == 1.0);
}

TEST_CASE("options of a population that are not possible are named") {
  PopulationOptions options = options_of();
  std::string expected;
  SECTION("nothing explored") {
    options.explored.clear();
    expected = "explores 0 hyperparameters; expected 1 to 32";
  }
  SECTION("twice") {
    options.explored.push_back(options.explored[0]);
    expected = "'learning_rate' is explored twice";
  }
  SECTION("ends") {
    options.explored[0].low = 1;
    expected = "from 1 to 0.01; expected two numbers, the lower one first";
  }
  SECTION("no number") {
    options.explored[0].high = std::numeric_limits<double>::quiet_NaN();
    expected = "expected two numbers";
  }
  SECTION("logarithm") {
    options.explored[1].logarithmic = true;
    expected = "'entropy_weight' is explored from 0 to 0.05; expected a beginning above 0";
  }
  SECTION("ready") {
    options.ready_steps = 0;
    expected = "ready_steps of a population is 0";
  }
  SECTION("share") {
    options.share = 0.6;
    expected = "is 0.6; expected a number in (0, 0.5]";
  }
  SECTION("resample") {
    options.resample = -0.1;
    expected = "is -0.1; expected a number in [0, 1]";
  }
  CHECK_THROWS_WITH(Population(options), Contains(expected));
}
