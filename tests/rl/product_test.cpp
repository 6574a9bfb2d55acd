#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/rl/algorithm.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

const ActionSpace kChoices{.choices = {3, 2}, .low = {}, .high = {}};
const ActionSpace kHybrid{.choices = {3, 2}, .low = {-1, 0}, .high = {1, 4}};

std::vector<double> softmax(std::span<const float> logits, ActionMask mask) {
  std::vector<double> shares(logits.size(), 0);
  double total = 0;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    if (mask.empty() || mask[k] != 0) total += shares[k] = std::exp(static_cast<double>(logits[k]));
  }
  for (double& share : shares) share /= total;
  return shares;
}

/// Pearson's statistic of 60,000 actions of kChoices over the combinations that are possible.
double chi_square(const std::vector<float>& outputs, const std::vector<std::uint8_t>& mask) {
  const auto behaviour = action_behaviour(kChoices);
  const auto half = [&mask](std::size_t first, std::size_t count) {
    return mask.empty() ? ActionMask() : ActionMask(mask).subspan(first, count);
  };
  const auto first = softmax(std::span(outputs).first(3), half(0, 3));
  const auto second = softmax(std::span(outputs).subspan(3), half(3, 2));
  Random random(9);
  std::map<std::pair<float, float>, int> counts;
  std::vector<float> chosen(2);
  constexpr int kDraws = 60'000;
  for (int i = 0; i < kDraws; ++i) {
    float log_probability = 0;
    behaviour->act(outputs, mask, Acting::kSampling, random, chosen, log_probability);
    ++counts[{chosen[0], chosen[1]}];
    const double p = first[static_cast<std::size_t>(chosen[0])] * second[static_cast<std::size_t>(chosen[1])];
    if (std::abs(log_probability - std::log(p)) > 1e-5) FAIL("log-probability " << log_probability);
  }
  double sum = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 2; ++b) {
      const double expected = first[a] * second[b] * kDraws;
      const int count = counts[{static_cast<float>(a), static_cast<float>(b)}];
      if (expected == 0) CHECK(count == 0);
      if (expected > 0) sum += (count - expected) * (count - expected) / expected;
    }
  }
  return sum;
}

struct Batch {
  std::vector<float> outputs, chosen;
  std::vector<std::uint8_t> masks;
};

/// Actions that were chosen from random outputs, with masks when they are wanted.
Batch batch_of(const ActionSpace& space, std::size_t rows, bool masked, Random& random) {
  Batch batch;
  const auto behaviour = action_behaviour(space);
  const auto width = static_cast<std::size_t>(action_outputs(space));
  for (std::size_t t = 0; t < rows; ++t) {
    std::vector<float> outputs(width), chosen(space.width());
    for (float& output : outputs) output = static_cast<float>(random.uniform(-1, 1));
    std::vector<std::uint8_t> mask;
    for (const int count : space.choices) {
      for (int k = 0; k < count; ++k) mask.push_back(random.below(2) != 0);
      mask[mask.size() - 1 - random.below(static_cast<std::uint64_t>(count))] = 1;
    }
    if (!masked) mask.clear();
    float log_probability = 0;
    behaviour->act(outputs, mask, Acting::kSampling, random, chosen, log_probability);
    batch.outputs.insert(batch.outputs.end(), outputs.begin(), outputs.end());
    batch.chosen.insert(batch.chosen.end(), chosen.begin(), chosen.end());
    batch.masks.insert(batch.masks.end(), mask.begin(), mask.end());
  }
  return batch;
}

void check_gradient(const ActionSpace& space, bool masked) {
  Random random(11);
  constexpr std::size_t kRows = 8;
  Batch batch = batch_of(space, kRows, masked, random);
  std::vector<float> by_log_probability(kRows), log_probabilities(kRows), gradient(batch.outputs.size());
  for (float& value : by_log_probability) value = static_cast<float>(random.uniform(-1, 1));
  constexpr float kByEntropy = 0.6f;
  const auto distribution = action_distribution(space);
  const auto loss = [&](std::span<float> by_outputs) {
    distribution->evaluate(batch.outputs, batch.masks, batch.chosen, log_probabilities);
    double total = kByEntropy * static_cast<double>(kRows) *
                   distribution->backward(by_log_probability, kByEntropy, by_outputs);
    for (std::size_t t = 0; t < kRows; ++t) total += by_log_probability[t] * log_probabilities[t];
    return total;
  };
  loss(gradient);
  const std::size_t width = batch.outputs.size() / kRows, alternatives = space.alternatives();
  for (std::size_t i = 0; i < batch.outputs.size(); ++i) {
    const float kept = batch.outputs[i];
    std::vector<float> ignored(batch.outputs.size());
    batch.outputs[i] = kept + 1e-2f;
    const double above = loss(ignored);
    batch.outputs[i] = kept - 1e-2f;
    const double below = loss(ignored);
    batch.outputs[i] = kept;
    CAPTURE(i);
    REQUIRE(gradient[i] == Approx((above - below) / 2e-2).margin(3e-3));
    const std::size_t column = i % width;
    if (masked && column < alternatives && batch.masks[i / width * alternatives + column] == 0)
      REQUIRE(gradient[i] == 0);
  }
}

}  // namespace

TEST_CASE("several choices follow the product of their softmaxes, with and without masks") {
  const std::vector<float> outputs{0.2f, -1, 1, 0.5f, -0.5f};
  // The 0.999 quantiles of chi-square with 5, 3 and 1 degrees of freedom.
  CHECK(chi_square(outputs, {}) < 20.6);
  CHECK(chi_square(outputs, {1, 1, 1, 1, 1}) < 20.6);
  CHECK(chi_square(outputs, {1, 0, 1, 1, 1}) < 16.3);
  CHECK(chi_square(outputs, {0, 1, 1, 0, 1}) < 10.9);
  CHECK(chi_square(outputs, {0, 0, 1, 0, 1}) == 0);
}

TEST_CASE(
    "the gradient of each kind of action is that of log-probability and entropy, by finite differences") {
  const ActionSpace box{.choices = {}, .low = {-1, -3}, .high = {1, 3}};
  const ActionSpace choice{.choices = {4}, .low = {}, .high = {}};
  check_gradient(box, false);
  for (const bool masked : {false, true}) {
    check_gradient(choice, masked);
    check_gradient(kChoices, masked);
    check_gradient(kHybrid, masked);
  }
}

TEST_CASE("a hybrid's log-probability is the sum of its parts', played and learnt") {
  Random random(4);
  const std::vector<float> outputs{0.2f, -1, 1, 0.5f, -0.5f, 0.1f, 0.9f, -0.2f, 0.3f};
  REQUIRE(action_outputs(kHybrid) == 9);
  const auto behaviour = action_behaviour(kHybrid);
  const auto distribution = action_distribution(kHybrid);
  const auto continuous = gaussian_distribution(kHybrid);
  for (int i = 0; i < 100; ++i) {
    std::vector<float> chosen(4), action(4), learnt(1), of_components(1);
    float log_probability = 0;
    behaviour->act(outputs, {}, Acting::kExploring, random, chosen, log_probability);
    behaviour->to_environment(chosen, action);
    CHECK_NOTHROW(check_action("test", kHybrid, action));
    CHECK(action[0] == chosen[0]);
    distribution->evaluate(outputs, {}, chosen, learnt);
    continuous->evaluate(std::span(outputs).subspan(5), {}, std::span(chosen).subspan(2), of_components);
    const double expected =
        std::log(softmax(std::span(outputs).first(3), {})[static_cast<std::size_t>(chosen[0])]) +
        std::log(softmax(std::span(outputs).subspan(3, 2), {})[static_cast<std::size_t>(chosen[1])]) +
        of_components[0];
    REQUIRE(log_probability == Approx(expected).margin(1e-5));
    REQUIRE(learnt[0] == Approx(expected).margin(1e-5));
  }
}

TEST_CASE("a hybrid starts the episode of each of its parts") {
  const ActionSpace space{.choices = {2}, .low = {-1}, .high = {1}};
  const auto behaviour = action_behaviour(space, {.noise_correlation = 0.9});
  const std::vector<float> outputs{0, 0, 0, 0};
  const auto noise_of_a_step = [&] {
    Random random(5);
    std::vector<float> chosen(2);
    float log_probability = 0;
    behaviour->act(outputs, {}, Acting::kExploring, random, chosen, log_probability);
    return chosen[1];
  };
  const float first = noise_of_a_step();
  CHECK(noise_of_a_step() != first);  // the same random numbers, and what the step before left
  behaviour->start_episode();
  CHECK(noise_of_a_step() == first);
}

TEST_CASE("what a mask forbids is never chosen, also not greedily or by epsilon") {
  const std::vector<float> outputs{50, 0, 1, 50, 0};
  const std::vector<std::uint8_t> mask{0, 1, 1, 0, 1};
  Random random(1);
  for (const Acting acting : {Acting::kExploring, Acting::kSampling, Acting::kGreedy}) {
    const auto behaviour = action_behaviour(kChoices, {}, 0.5);
    std::vector<float> chosen(2);
    float log_probability = 0;
    for (int i = 0; i < 2'000; ++i) {
      behaviour->act(outputs, mask, acting, random, chosen, log_probability);
      REQUIRE(chosen[0] != 0);
      REQUIRE(chosen[1] == 1);
    }
    if (acting == Acting::kGreedy) CHECK(chosen[0] == 2);
  }
  const auto distribution = action_distribution(kChoices);
  std::vector<float> log_probability(1);
  distribution->evaluate(outputs, mask, std::vector<float>{0, 1}, log_probability);
  CHECK(log_probability[0] == -std::numeric_limits<float>::infinity());
}

TEST_CASE("epsilon takes each allowed alternative alike, and so does the log-probability") {
  const std::vector<float> outputs{0, 1, 2, 3};
  const std::vector<std::uint8_t> mask{1, 0, 1, 1};
  const auto behaviour = categorical(0.4);
  auto shares = softmax(outputs, mask);
  for (std::size_t k = 0; k < 4; ++k) shares[k] = mask[k] == 0 ? 0 : 0.6 * shares[k] + 0.4 / 3;
  Random random(8);
  std::vector<double> counts(4, 0);
  for (int i = 0; i < 60'000; ++i) {
    std::vector<float> chosen(1);
    float log_probability = 0;
    behaviour->act(outputs, mask, Acting::kExploring, random, chosen, log_probability);
    const auto choice = static_cast<std::size_t>(chosen[0]);
    ++counts[choice];
    if (std::abs(log_probability - std::log(shares[choice])) > 1e-5)
      FAIL("log-probability " << log_probability);
  }
  CHECK(counts[1] == 0);
  double sum = 0;
  for (const std::size_t k : {0u, 2u, 3u})
    sum += std::pow(counts[k] - shares[k] * 60'000, 2) / (shares[k] * 60'000);
  CHECK(sum < 13.8);
}

TEST_CASE("a mask that allows everything changes nothing, bit for bit") {
  Random random(1);
  const std::vector<float> outputs{0.2f, -1, 1, 0.5f, -0.5f};
  const std::vector<std::uint8_t> all(5, 1);
  const auto behaviour = action_behaviour(kChoices, {}, 0.1);
  for (int i = 0; i < 500; ++i) {
    Random with(static_cast<std::uint64_t>(i)), without(static_cast<std::uint64_t>(i));
    std::vector<float> a(2), b(2);
    float p = 0, q = 0;
    behaviour->act(outputs, all, Acting::kExploring, with, a, p);
    behaviour->act(outputs, {}, Acting::kExploring, without, b, q);
    REQUIRE(a == b);
    REQUIRE(p == q);
  }
  Batch batch = batch_of(kChoices, 5, false, random);
  const std::vector<std::uint8_t> masks(25, 1);
  const auto distribution = action_distribution(kChoices);
  std::vector<float> with(5), without(5), gradient_with(25), gradient_without(25);
  const std::vector<float> by_log_probability{1, 2, 3, -1, -2};
  distribution->evaluate(batch.outputs, masks, batch.chosen, with);
  distribution->backward(by_log_probability, 0.5f, gradient_with);
  distribution->evaluate(batch.outputs, {}, batch.chosen, without);
  distribution->backward(by_log_probability, 0.5f, gradient_without);
  CHECK(with == without);
  CHECK(gradient_with == gradient_without);
}

TEST_CASE("the deviation is that of the continuous components alone, and 0 where there are none") {
  std::vector<float> log_probabilities(1);
  const auto hybrid = action_distribution(kHybrid);
  const std::vector<float> outputs{1, 2, 3, 4, 5, 0, 0, std::log(0.5f), std::log(2.0f)};
  hybrid->evaluate(outputs, {}, std::vector<float>{0, 1, 0, 0}, log_probabilities);
  CHECK(hybrid->deviation() == Approx(1.25));
  const auto choices = action_distribution(kChoices);
  choices->evaluate(std::span(outputs).first(5), {}, std::vector<float>{0, 1}, log_probabilities);
  CHECK(choices->deviation() == 0);
}

TEST_CASE("a behaviour of the library is made again from its description") {
  const auto text = [](const ActionSpace& space, const GaussianOptions& options = {}) {
    const std::string description = action_behaviour(space, options)->description();
    const auto again = described_behaviour(description, space);
    REQUIRE(again != nullptr);
    CHECK(again->description() == description);
    return description;
  };
  const ActionSpace choice{.choices = {4}, .low = {}, .high = {}},
      box{.choices = {}, .low = {-1}, .high = {1}};
  CHECK(text(choice) == "categorical");
  CHECK(text(kChoices) == "categorical");
  CHECK(text(box) == "gaussian clip");
  CHECK(text(box, {.initial_log_deviation = -1}) == "gaussian clip");  // the weights hold it
  CHECK(text(kHybrid, {.action_bounds = ActionBounds::kTanh}) == "categorical, gaussian tanh");
  CHECK(text(box, {.initial_log_deviation = -0.1, .state_dependent_deviation = true}) ==
        "gaussian clip state -0.1");
  for (const char* other :
       {"", "categorical", "gaussian", "gaussian ", "gaussian soft", "gaussian clip ", "gaussian clip state",
        "gaussian clip state nan", "gaussian clip state 99", "gaussian clip state 0.10", "mine"}) {
    CAPTURE(other);
    CHECK(described_behaviour(other, box) == nullptr);
  }
}

TEST_CASE("log-deviations are free outputs of the network unless they depend on the state") {
  EnvironmentSpec spec{"task", 3, 0, 100};
  spec.action_space = kHybrid;
  CHECK(actor_critic_network(spec, {.initial_log_deviation = -0.5}) == NetworkSpec{{3}, 9, 1, 2, -0.5f});
  CHECK(actor_critic_network(spec, {.initial_log_deviation = -0.5, .state_dependent_deviation = true}) ==
        NetworkSpec{{3}, 9, 1});
  spec.action_space.high[1] = std::numeric_limits<float>::infinity();
  CHECK_NOTHROW(actor_critic_network(spec));
  CHECK_THROWS_AS(actor_critic_network(spec, {.action_bounds = ActionBounds::kTanh}), ArgumentError);
  CHECK_THROWS_WITH(actor_critic_network(spec, {.action_bounds = ActionBounds::kTanh}),
                    Contains("environment 'task'") && Contains("component 1") && Contains("inf"));
}
