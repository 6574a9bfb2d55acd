#include "genkidama/params/outer_optimizer.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

using Weights = std::vector<float>;
constexpr std::size_t kSize = 37;

OuterOptimizerOptions options_of(OuterOptimizerKind kind) {
  OuterOptimizerOptions options;
  options.kind = kind;
  return options;
}

Weights random_values(std::uint64_t seed, double scale = 1) {
  Random random(seed);
  Weights values(kSize);
  for (float& value : values) value = static_cast<float>(random.uniform(-scale, scale));
  return values;
}

constexpr OuterOptimizerKind kAll[] = {OuterOptimizerKind::kNone, OuterOptimizerKind::kMomentum,
                                       OuterOptimizerKind::kNesterov, OuterOptimizerKind::kAdam};

/// Rounds of changes; `between` is called after the third.
template <typename Between>
Weights after_rounds(OuterOptimizer& optimizer, const Between& between) {
  Weights weights = random_values(1);
  for (std::uint64_t round = 0; round < 8; ++round) {
    optimizer.apply(weights, random_values(100 + round, 0.1));
    if (round == 2) between();
  }
  return weights;
}

Checkpoint state_of(const OuterOptimizer& optimizer) {
  StateWriter writer;
  optimizer.save(writer);
  return writer.take();
}

}  // namespace

TEST_CASE("plain averaging adds the change") {
  OuterOptimizer optimizer;
  Weights weights{1, 2};
  optimizer.apply(weights, Weights{0.5f, -1});
  CHECK(weights == Weights{1.5f, 1});
  CHECK(optimizer.size() == 0);
  auto options = options_of(OuterOptimizerKind::kNone);
  options.learning_rate = 0.5;
  OuterOptimizer half(options);
  half.apply(weights, Weights{1, 1});
  CHECK(weights == Weights{2, 1.5f});
}

TEST_CASE("the rules with a memory follow their formulas") {
  for (const auto kind :
       {OuterOptimizerKind::kMomentum, OuterOptimizerKind::kNesterov, OuterOptimizerKind::kAdam}) {
    auto options = options_of(kind);
    options.learning_rate = 0.3;
    options.momentum = 0.8;
    options.beta1 = 0.7;
    options.beta2 = 0.95;
    options.epsilon = 0.01;
    OuterOptimizer optimizer(options);
    Weights weights = random_values(1);
    std::vector<double> expected(weights.begin(), weights.end()), m(kSize, 0), v(kSize, 0.01 * 0.01);
    for (std::uint64_t round = 0; round < 20; ++round) {
      const Weights change = random_values(round + 2, 0.1);
      optimizer.apply(weights, change);
      for (std::size_t i = 0; i < kSize; ++i) {
        const double d = change[i];
        if (kind == OuterOptimizerKind::kAdam) {
          m[i] = 0.7 * m[i] + 0.3 * d;
          v[i] = 0.95 * v[i] + 0.05 * d * d;
          expected[i] += 0.3 * m[i] / (std::sqrt(v[i]) + 0.01);
        } else {
          m[i] = 0.8 * m[i] + d;
          expected[i] += 0.3 * (kind == OuterOptimizerKind::kNesterov ? d + 0.8 * m[i] : m[i]);
        }
      }
    }
    for (std::size_t i = 0; i < kSize; ++i) CHECK(weights[i] == Approx(expected[i]).margin(1e-5));
  }
}

TEST_CASE("an optimizer that was saved and restored goes on bit for bit") {
  for (const auto kind : kAll) {
    INFO(outer_optimizer_name(kind));
    OuterOptimizer whole(options_of(kind));
    const Weights expected = after_rounds(whole, [] {});
    OuterOptimizer optimizer(options_of(kind));
    const Weights weights = after_rounds(optimizer, [&] {
      const Checkpoint state = state_of(optimizer);
      optimizer = OuterOptimizer(options_of(kind));
      optimizer.restore(StateReader(state, "state"));
    });
    CHECK(weights == expected);
  }
}

TEST_CASE("an optimizer of another kind begins anew") {
  OuterOptimizer adam(options_of(OuterOptimizerKind::kAdam));
  after_rounds(adam, [] {});
  const Checkpoint state = state_of(adam);
  OuterOptimizer nesterov(options_of(OuterOptimizerKind::kNesterov));
  after_rounds(nesterov, [] {});
  const StateReader reader(state, "state");
  nesterov.restore(reader);
  CHECK(nesterov.size() == 0);
  CHECK_NOTHROW(reader.check_all_floats_read());
  // As does one whose state was written before its first round.
  const Checkpoint empty = state_of(OuterOptimizer(options_of(OuterOptimizerKind::kNesterov)));
  Weights weights(kSize);
  nesterov.apply(weights, random_values(3));
  nesterov.restore(StateReader(empty, "state"));
  CHECK(nesterov.size() == 0);
}

TEST_CASE("a damaged memory is refused, and nothing is taken from it") {
  OuterOptimizer adam(options_of(OuterOptimizerKind::kAdam));
  after_rounds(adam, [] {});
  const auto refused = [&](StateWriter& writer, const char* why) {
    const Checkpoint state = writer.take();
    OuterOptimizer other(options_of(OuterOptimizerKind::kAdam));
    CHECK_THROWS_AS(other.restore(StateReader(state, "the file")), FormatError);
    CHECK_THROWS_WITH(other.restore(StateReader(state, "the file")), Contains("the file") && Contains(why));
    CHECK(other.size() == 0);
  };
  {
    StateWriter writer;
    writer.text("outer_optimizer", "adam");
    writer.floats("outer_momentum", random_values(1));
    refused(writer, "37 elements of momentum and 0 of variance");
  }
  {
    StateWriter writer;
    writer.floats("outer_momentum", random_values(1));
    refused(writer, "do not belong together");
  }
  {
    StateWriter writer;
    writer.text("outer_optimizer", "lion");
    writer.floats("outer_momentum", random_values(1));
    refused(writer, "'lion'");
  }
  {
    StateWriter writer;
    writer.text("outer_optimizer", "nesterov");
    Weights values = random_values(1);
    values[5] = std::numeric_limits<float>::infinity();
    writer.floats("outer_momentum", values);
    refused(writer, "not finite");
  }
}

TEST_CASE("an outer optimizer refuses constants out of range and another network") {
  const auto refused = [](const OuterOptimizerOptions& options, const char* name) {
    CHECK_THROWS_AS(OuterOptimizer(options), ArgumentError);
    CHECK_THROWS_WITH(OuterOptimizer(options), Contains(name));
  };
  for (const double bad : {-0.1, 1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    OuterOptimizerOptions options;
    options.momentum = bad;
    refused(options, "momentum");
    options = {};
    options.beta1 = bad;
    refused(options, "beta1");
    options = {};
    options.beta2 = bad;
    refused(options, "beta2");
  }
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    OuterOptimizerOptions options;
    options.learning_rate = bad;
    refused(options, "learning_rate");
    options = {};
    options.epsilon = bad;
    refused(options, "epsilon");
  }
  refused(options_of(static_cast<OuterOptimizerKind>(9)), "9");
  OuterOptimizer optimizer(options_of(OuterOptimizerKind::kMomentum));
  Weights weights{1, 2};
  CHECK_THROWS_AS(optimizer.apply(weights, Weights{1}), ArgumentError);
  optimizer.apply(weights, Weights{1, 1});
  Weights other{1, 2, 3};
  CHECK_THROWS_AS(optimizer.apply(other, Weights{1, 1, 1}), ArgumentError);
  CHECK(other == Weights{1, 2, 3});
}

TEST_CASE("each outer optimizer has a name, and no other name is one") {
  for (const auto kind : kAll) CHECK(outer_optimizer_of(outer_optimizer_name(kind)) == kind);
  CHECK_FALSE(outer_optimizer_of("sgd"));
  CHECK(options_of(OuterOptimizerKind::kNone).rate() == 1);
  CHECK(options_of(OuterOptimizerKind::kNesterov).rate() == 1);
  CHECK(options_of(OuterOptimizerKind::kAdam).rate() == 0.01);
}
