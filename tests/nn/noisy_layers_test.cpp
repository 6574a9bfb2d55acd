#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/nn/check_gradients.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/nn/networks.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

const NetworkSpec kPlain{.observation = {3}, .policy = 4, .values = 1};
const NetworkSpec kNoisy{.observation = {3}, .policy = 4, .values = 1, .noisy = true};
const MlpOptions kSmall{.hidden = {5}};
const std::vector<float> kObservations{1, 2, 3, -1, 0, 1};

std::vector<float> logits_of(LocalNetwork& network) {
  std::vector<float> logits(8), values(2);
  network.evaluate(kObservations, logits, values);
  return logits;
}

std::vector<std::string> names_of(const ParameterLayout& layout) {
  std::vector<std::string> names;
  for (const TensorInfo& tensor : layout.tensors()) names.push_back(tensor.name);
  return names;
}

const TensorInfo& tensor_of(const ParameterLayout& layout, const std::string& name) {
  return *std::find_if(layout.tensors().begin(), layout.tensors().end(),
                       [&](const TensorInfo& tensor) { return tensor.name == name; });
}

}  // namespace

TEST_CASE("fully connected layers get deviations behind the network's own tensors, by their inputs") {
  const auto network = make_network(mlp_network(kSmall), kNoisy, 7);
  const auto inner = mlp_network(kSmall)(kPlain, 7);
  const ParameterLayout& layout = network->layout();
  CHECK(names_of(layout) == std::vector<std::string>{"pi1.weight", "pi1.bias", "pi2.weight", "pi2.bias",
                                                     "v1.weight", "v1.bias", "v2.weight", "v2.bias",
                                                     "pi1.weight_sigma", "pi1.bias_sigma", "pi2.weight_sigma",
                                                     "pi2.bias_sigma", "v1.weight_sigma", "v1.bias_sigma",
                                                     "v2.weight_sigma", "v2.bias_sigma"});
  CHECK(layout.size() == 2 * inner->layout().size());
  CHECK(network->description() == inner->description());
  const auto weights = network->first_weights(), expected = inner->first_weights();
  CHECK(std::vector<float>(weights.begin(), weights.begin() + static_cast<int>(expected.size())) == expected);
  for (const auto& [name, inputs] : {std::pair("pi1.weight_sigma", 3), std::pair("pi1.bias_sigma", 3),
                                     std::pair("v2.weight_sigma", 5), std::pair("v2.bias_sigma", 5)}) {
    const TensorInfo& tensor = tensor_of(layout, name);
    for (std::size_t i = 0; i < tensor.count; ++i)
      CHECK(weights[tensor.offset + i] == Approx(0.5 / std::sqrt(inputs)));
  }
  NetworkSpec louder = kNoisy;
  louder.noisy_deviation = 2;
  CHECK(make_network(mlp_network(kSmall), louder, 7)->first_weights().back() == Approx(2 / std::sqrt(5)));
}

TEST_CASE("normalised layers and memory have no noise") {
  const auto network = make_network(
      mlp_network({.hidden = {5}, .shared_trunk = true, .layer_norm = true, .memory = 6}), kNoisy, 7);
  std::vector<std::string> noisy = names_of(network->layout());
  std::erase_if(noisy, [](const std::string& name) { return !name.ends_with("_sigma"); });
  CHECK(noisy == std::vector<std::string>{"trunk1.weight_sigma", "trunk1.bias_sigma", "pi1.weight_sigma",
                                          "pi1.bias_sigma", "v1.weight_sigma", "v1.bias_sigma"});
}

TEST_CASE("without noise a noisy network computes with its means, and its deviations have no derivatives") {
  LocalNetwork noisy(make_network(mlp_network(kSmall), kNoisy, 7), kNoisy);
  LocalNetwork plain(make_network(mlp_network(kSmall), kPlain, 7), kPlain);
  Random random(1);
  const auto expected = logits_of(plain);
  CHECK(logits_of(noisy) == expected);
  noisy.draw_noise(random);
  CHECK(logits_of(noisy) != expected);
  noisy.clear_noise();
  CHECK(logits_of(noisy) == expected);
  const std::vector<float> by_logits(8, 1.0f), by_values(2, 1.0f);
  logits_of(plain);
  noisy.backpropagate(by_logits, by_values);
  plain.backpropagate(by_logits, by_values);
  const auto gradient = noisy.gradient(), of_plain = plain.gradient();
  CHECK(std::equal(of_plain.begin(), of_plain.end(), gradient.begin()));
  CHECK(std::all_of(gradient.begin() + static_cast<int>(of_plain.size()), gradient.end(),
                    [](float derivative) { return derivative == 0; }));
  // A network without noise draws nothing.
  Random untouched(2), used(2);
  plain.draw_noise(used);
  CHECK(used() == untouched());
}

TEST_CASE("noise follows from the generator, stays until it is drawn again, and is factorised") {
  // Linear, with means of 0 and deviations of 1: outputs are the noise itself.
  const NetworkSpec spec{.observation = {3}, .policy = 4, .values = 0, .noisy = true, .noisy_deviation = 1};
  LocalNetwork network(make_network(mlp_network({.hidden = {}}), spec, 1), spec);
  const auto weights = network.weights();
  std::fill(weights.begin(), weights.begin() + 16, 0.0f);
  std::fill(weights.begin() + 16, weights.end(), 1.0f);
  const std::vector<float> each{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
  std::vector<float> logits(16), again(16), none;
  Random random(3);
  double sum = 0, squares = 0;
  constexpr int kDraws = 20'000;
  for (int draw = 0; draw < kDraws; ++draw) {
    network.draw_noise(random);
    network.evaluate(each, logits, none);
    network.evaluate(each, again, none);
    REQUIRE(logits == again);
    for (std::size_t output = 0; output < 4; ++output) {
      // The first row is the biases. The others minus it are f(output) f(input): of rank one.
      const float bias = logits[output], other_bias = logits[(output + 1) % 4];
      for (std::size_t row = 1; row < 4; ++row) {
        const float weight = logits[row * 4 + output] - bias;
        const float other = logits[row * 4 + (output + 1) % 4] - other_bias;
        REQUIRE(weight * other_bias == Approx(other * bias).margin(1e-4));
      }
    }
    const double weight = static_cast<double>(logits[4]) - logits[0];
    sum += weight;
    squares += weight * weight;
  }
  // The product of two numbers whose squares have the mean of |x|, sqrt(2 / pi).
  CHECK(sum / kDraws == Approx(0).margin(0.03));
  CHECK(squares / kDraws == Approx(2 / 3.14159265358979).epsilon(0.05));
  Random one(5), same(5), other(6);
  network.draw_noise(one);
  network.evaluate(each, logits, none);
  network.draw_noise(same);
  network.evaluate(each, again, none);
  CHECK(again == logits);
  network.draw_noise(other);
  network.evaluate(each, again, none);
  CHECK(again != logits);
}

TEST_CASE("the gradients of noisy networks agree with finite differences") {
  for (const int values : {0, 1}) {
    for (const bool shared : {false, true}) {
      for (const int memory : {0, 4}) {
        NetworkSpec spec = kNoisy;
        spec.values = values;
        spec.noisy_deviation = 1;
        const auto network = make_network(
            mlp_network({.hidden = {6, 5}, .shared_trunk = shared, .layer_norm = shared, .memory = memory}),
            spec, 3);
        GradientCheckOptions options;
        options.batch = 9;
        const GradientReport report = check_gradients(*network, spec, options);
        CAPTURE(to_text(report), values, shared, memory);
        CHECK(report.ok());
        // With the noise drawn: else there would be no derivatives by the deviations.
        REQUIRE(report.tensors.size() > 4);
        CHECK(report.tensors.back().name.ends_with("_sigma"));
        CHECK(report.tensors.back().got != 0);
      }
    }
  }
}

TEST_CASE("noise and free outputs go together") {
  NetworkSpec spec = kNoisy;
  spec.free = 2;
  const auto network = make_network(mlp_network(kSmall), spec, 3);
  const GradientReport report = check_gradients(*network, spec);
  CAPTURE(to_text(report));
  CHECK(report.ok());
  CHECK(names_of(network->layout()).back() == "log_deviation");
  CHECK(network->noise() != nullptr);
}

TEST_CASE("what noisy layers cannot be added to is refused") {
  NetworkSpec critics = kNoisy;
  critics.critics = 2;
  critics.critic_actions = 1;
  CHECK_THROWS_AS(make_network(mlp_network(kSmall), critics, 1), ArgumentError);
  CHECK_THROWS_WITH(make_network(mlp_network(kSmall), critics, 1), Contains("with 2 critics"));
  CHECK_THROWS_WITH(mlp_network()(kNoisy, 1), Contains("noisy layers") && Contains("make_network()"));
  // A network that is noisy already: the factory is never asked for more.
  const NetworkFactory twice = [](const NetworkSpec& spec, std::uint64_t seed) {
    CHECK(!spec.noisy);
    NetworkSpec more = spec;
    more.noisy = true;
    return make_network(mlp_network(kSmall), more, seed);
  };
  CHECK_THROWS_AS(make_network(twice, kNoisy, 1), ArgumentError);
  CHECK_THROWS_WITH(make_network(twice, kNoisy, 1), Contains("pi1.weight_sigma"));

  class OneTensor final : public Network {
   public:
    const ParameterLayout& layout() const override { return layout_; }
    std::vector<float> first_weights() const override { return std::vector<float>(layout_.size()); }
    std::unique_ptr<PolicyFunction> make_policy_function() override { return nullptr; }
    std::unique_ptr<GradientFunction> make_gradient_function() override { return nullptr; }

   private:
    ParameterLayout layout_{{{"kernel.weight", {4, 1, 3, 3}}, {"kernel.bias", {4}}}};
  };
  const NetworkFactory convolution = [](const NetworkSpec&, std::uint64_t) {
    return std::make_unique<OneTensor>();
  };
  CHECK_THROWS_AS(make_network(convolution, kNoisy, 1), ArgumentError);
  CHECK_THROWS_WITH(make_network(convolution, kNoisy, 1), Contains("without fully connected ones"));
}
