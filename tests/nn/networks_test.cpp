#include "genkidama/nn/networks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/nn/check_gradients.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/nn/local_network.h"
#include "nn/bundled_network.h"
#include "nn/mlp_policy_function.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

const NetworkSpec kLander{{8}, 4, 1};

std::span<const float> tensor_of(const Network& network, const std::vector<float>& weights,
                                 const std::string& name) {
  for (const TensorInfo& info : network.layout().tensors()) {
    if (info.name == name) return std::span<const float>(weights).subspan(info.offset, info.count);
  }
  FAIL("no tensor " << name);
  return {};
}

/// Logits and value in double precision, tensor by tensor.
std::vector<double> formula(const Network& network, const MlpOptions& options,
                            const std::vector<float>& weights, std::span<const float> observation) {
  const auto activated = [&](double x) {
    if (options.activation == Activation::kTanh) return std::tanh(x);
    return options.activation == Activation::kRelu ? std::max(x, 0.0) : x / (1 + std::exp(-x));
  };
  const auto layer = [&](const std::string& name, const std::vector<double>& input) {
    const auto matrix = tensor_of(network, weights, name + ".weight");
    const auto bias = tensor_of(network, weights, name + ".bias");
    std::vector<double> output(bias.begin(), bias.end());
    for (std::size_t o = 0; o < output.size(); ++o) {
      for (std::size_t i = 0; i < input.size(); ++i) output[o] += matrix[o * input.size() + i] * input[i];
    }
    return output;
  };
  const auto hidden_layer = [&](const std::string& name, const std::vector<double>& input) {
    std::vector<double> sums = layer(name, input);
    if (options.layer_norm) {
      const auto n = static_cast<double>(sums.size());
      double mean = 0, variance = 0;
      for (const double x : sums) mean += x / n;
      for (const double x : sums) variance += (x - mean) * (x - mean) / n;
      const auto gain = tensor_of(network, weights, name + "_norm.weight");
      const auto shift = tensor_of(network, weights, name + "_norm.bias");
      for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] = gain[i] * (sums[i] - mean) / std::sqrt(variance + 1e-5) + shift[i];
      }
    }
    for (double& x : sums) x = activated(x);
    return sums;
  };
  const auto hidden = [&](const std::string& prefix) {
    std::vector<double> x(observation.begin(), observation.end());
    for (std::size_t i = 1; i <= options.hidden.size(); ++i) x = hidden_layer(prefix + std::to_string(i), x);
    return x;
  };
  const std::string last = options.shared_trunk ? "1" : std::to_string(options.hidden.size() + 1);
  std::vector<double> result = layer("pi" + last, hidden(options.shared_trunk ? "trunk" : "pi"));
  result.push_back(layer("v" + last, hidden(options.shared_trunk ? "trunk" : "v"))[0]);
  return result;
}

}  // namespace

TEST_CASE("the thesis network has the thesis' tensors in the thesis' order") {
  const auto network = thesis_network()(kLander, 1);
  const ParameterLayout& layout = network->layout();
  REQUIRE(layout.size() == 2949);
  const std::vector<std::pair<std::string, std::vector<std::int64_t>>> expected{
      {"pi1.weight", {128, 8}}, {"pi1.bias", {128}}, {"pi2.weight", {4, 128}}, {"pi2.bias", {4}},
      {"v1.weight", {128, 8}},  {"v1.bias", {128}},  {"v2.weight", {1, 128}},  {"v2.bias", {1}}};
  REQUIRE(layout.tensors().size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    REQUIRE(layout.tensors()[i].name == expected[i].first);
    REQUIRE(layout.tensors()[i].shape == expected[i].second);
  }
}

TEST_CASE("the thesis network starts with weights N(0, 0.1^2) and biases 0, the same for the same seed") {
  const auto network = thesis_network()(kLander, 1);
  const std::vector<float> weights = network->first_weights();
  REQUIRE(weights == thesis_network()(kLander, 1)->first_weights());
  REQUIRE(weights != thesis_network()(kLander, 2)->first_weights());
  for (const TensorInfo& info : network->layout().tensors()) {
    const auto values = tensor_of(*network, weights, info.name);
    double sum = 0, squares = 0;
    for (const float value : values) {
      sum += value;
      squares += static_cast<double>(value) * value;
    }
    if (info.name.find("bias") != std::string::npos) {
      REQUIRE(squares == 0);
    } else if (values.size() >= 512) {
      const auto n = static_cast<double>(values.size());
      REQUIRE(std::sqrt(squares / n) == Approx(0.1).epsilon(0.15));
      REQUIRE(std::abs(sum / n) < 0.02);
    }
  }
}

TEST_CASE("an mlp's heads have the gains of orthogonal initialisation") {
  const auto network = mlp_network({.hidden = {64, 32}})(kLander, 3);
  const std::vector<float> weights = network->first_weights();
  // The shorter side's vectors have the gain's length: here, rows of [32, 64] and [4, 32], columns of [64,
  // 8].
  const auto squares_of = [&](const std::string& name) {
    double sum = 0;
    for (const float value : tensor_of(*network, weights, name)) sum += static_cast<double>(value) * value;
    return sum;
  };
  for (const std::string head : {"pi", "v"}) {
    REQUIRE(squares_of(head + "1.weight") == Approx(2 * 8));
    REQUIRE(squares_of(head + "2.weight") == Approx(2 * 32));
  }
  REQUIRE(squares_of("pi3.weight") == Approx(4 * 1e-4));
  REQUIRE(squares_of("v3.weight") == Approx(1));
  REQUIRE(squares_of("pi2.bias") == 0);
}

TEST_CASE("an mlp's tensors and their order follow from its trunk and its normalisation") {
  const auto names = [](const MlpOptions& options) {
    const auto network = mlp_network(options)(kLander, 1);
    std::string text;
    for (const TensorInfo& tensor : network->layout().tensors()) {
      text += (text.empty() ? "" : " ") + tensor.name + shape_text(tensor.shape);
    }
    return text;
  };
  CHECK(names({.hidden = {6, 5}, .activation = Activation::kRelu}) == names({.hidden = {6, 5}}));
  CHECK(names({.hidden = {6, 5}, .shared_trunk = true}) ==
        "trunk1.weight[6, 8] trunk1.bias[6] trunk2.weight[5, 6] trunk2.bias[5] "
        "pi1.weight[4, 5] pi1.bias[4] v1.weight[1, 5] v1.bias[1]");
  CHECK(names({.hidden = {6}, .layer_norm = true}) ==
        "pi1.weight[6, 8] pi1.bias[6] pi1_norm.weight[6] pi1_norm.bias[6] pi2.weight[4, 6] pi2.bias[4] "
        "v1.weight[6, 8] v1.bias[6] v1_norm.weight[6] v1_norm.bias[6] v2.weight[1, 6] v2.bias[1]");
  CHECK(names({.hidden = {6}, .shared_trunk = true, .layer_norm = true}) ==
        "trunk1.weight[6, 8] trunk1.bias[6] trunk1_norm.weight[6] trunk1_norm.bias[6] "
        "pi1.weight[4, 6] pi1.bias[4] v1.weight[1, 6] v1.bias[1]");
  // Without hidden layers there is nothing to share or to normalise.
  CHECK(names({.hidden = {}, .shared_trunk = true, .layer_norm = true}) == names({.hidden = {}}));
}

TEST_CASE("a shared trunk and normalised layers start with their gains") {
  const auto network = mlp_network(
      {.hidden = {16}, .activation = Activation::kSilu, .shared_trunk = true, .layer_norm = true})(kLander,
                                                                                                   3);
  const std::vector<float> weights = network->first_weights();
  const auto squares_of = [&](const std::string& name) {
    double sum = 0;
    for (const float value : tensor_of(*network, weights, name)) sum += static_cast<double>(value) * value;
    return sum;
  };
  CHECK(squares_of("trunk1.weight") == Approx(2 * 8));
  CHECK(squares_of("pi1.weight") == Approx(4 * 1e-4));
  CHECK(squares_of("v1.weight") == Approx(1));
  for (const float gain : tensor_of(*network, weights, "trunk1_norm.weight")) CHECK(gain == 1);
  for (const std::string name : {"trunk1.bias", "trunk1_norm.bias", "pi1.bias"}) CHECK(squares_of(name) == 0);
}

TEST_CASE(
    "every mlp computes what its formula says, alone and in a batch, with every version of the kernels") {
  const NetworkSpec spec{{3}, 2, 1};
  Random random(8);
  for (const Activation activation : {Activation::kTanh, Activation::kRelu, Activation::kSilu}) {
    for (const bool shared : {false, true}) {
      for (const bool norm : {false, true}) {
        const MlpOptions options{
            .hidden = {11, 4}, .activation = activation, .shared_trunk = shared, .layer_norm = norm};
        const auto network = mlp_network(options)(spec, 1);
        CAPTURE(network->description());
        std::vector<float> weights = network->first_weights();
        for (float& weight : weights) weight += static_cast<float>(0.3 * random.normal());
        constexpr std::size_t kBatch = 9;
        std::vector<float> observations(3 * kBatch), logits(2 * kBatch), values(kBatch), alone(2);
        for (float& value : observations) value = static_cast<float>(random.normal());
        network->make_gradient_function()->forward(weights, observations, logits, values);
        const auto policy = network->make_policy_function();
        MlpShape shape{{3, 11, 4, 2}, {3, 11, 4, 1}};
        shape.style = {activation, norm};
        if (shared) shape = {{4, 2}, {4, 1}, {3, 11, 4}, shape.style};
        const auto portable = make_mlp_policy_function(shape, portable_dense_kernels());
        for (std::size_t i = 0; i < kBatch; ++i) {
          const auto observation = std::span<const float>(observations).subspan(3 * i, 3);
          const std::vector<double> expected = formula(*network, options, weights, observation);
          for (PolicyFunction* function : {policy.get(), portable.get()}) {
            function->logits(weights, observation, alone);
            for (std::size_t k = 0; k < 2; ++k) CHECK(alone[k] == Approx(expected[k]).margin(2e-5));
            CHECK(function->value(weights, observation) == Approx(expected[2]).margin(2e-5));
          }
          for (std::size_t k = 0; k < 2; ++k) CHECK(logits[2 * i + k] == Approx(expected[k]).margin(2e-5));
          CHECK(values[i] == Approx(expected[2]).margin(2e-5));
        }
      }
    }
  }
}

TEST_CASE("a description says which mlp a network is, and makes it again") {
  const std::vector<std::pair<MlpOptions, std::string>> networks{
      {{}, "mlp 64 64 tanh"},
      {{.hidden = {}}, "mlp tanh"},
      {{.hidden = {7}, .activation = Activation::kRelu}, "mlp 7 relu"},
      {{.hidden = {7, 9}, .activation = Activation::kSilu, .shared_trunk = true}, "mlp 7 9 silu shared"},
      {{.hidden = {7}, .layer_norm = true}, "mlp 7 tanh layer-norm"},
      {{.hidden = {7}, .activation = Activation::kRelu, .shared_trunk = true, .layer_norm = true},
       "mlp 7 relu shared layer-norm"}};
  for (const auto& [options, description] : networks) {
    CHECK(mlp_network(options)(kLander, 1)->description() == description);
    const auto made = mlp_options(bundled_network(description));
    REQUIRE(made);
    CHECK(*made == options);
  }
  for (const std::string other :
       {"", "mlp", "mlp 64", "mlp 64 elu", "mlp 0 tanh", "mlp -3 tanh", "mlp 64 tanh ", "mlp  64 tanh",
        "mlp 64 tanh layer-norm shared", "mlp 64 tanh shared shared", "mlp 64 tanh batch-norm",
        "mlp 64 tanh 64", "mlp 99999999999 tanh", "MLP 64 tanh", "own", "mlp 64.5 tanh", "mlp +64 tanh",
        "mlp 064 tanh"}) {
    CAPTURE(other);
    CHECK_FALSE(bundled_network(other));
  }
}

TEST_CASE("the options of a factory are known when it made a bundled network, and else not") {
  CHECK(mlp_options(thesis_network()) == MlpOptions{.hidden = {128}, .orthogonal = false});
  CHECK_FALSE(mlp_options({}));
  CHECK_FALSE(
      mlp_options([](const NetworkSpec& spec, std::uint64_t seed) { return mlp_network()(spec, seed); }));
}

TEST_CASE("an mlp that cannot be is refused") {
  REQUIRE_THROWS_AS(mlp_network({{64, 0}, true}), ArgumentError);
  REQUIRE_THROWS_WITH(mlp_network({{-5}}), Catch::Contains("-5 units"));
  REQUIRE_THROWS_WITH(mlp_network({.activation = static_cast<Activation>(17)}),
                      Catch::Contains("activation is 17"));
  REQUIRE_THROWS_AS(mlp_network({{2'000'000'000, 2'000'000'000}})(kLander, 1), ArgumentError);
}

TEST_CASE("a bundled network takes an image as a vector, and has one value") {
  const auto image = mlp_network({.hidden = {5}})({{2, 3, 4}, 3, 1}, 1);
  REQUIRE(image->layout().tensors()[0].shape == std::vector<std::int64_t>{5, 24});
  for (const NetworkSpec& spec :
       {NetworkSpec{{4}, 2, -1}, NetworkSpec{{4}, 2, 2}, NetworkSpec{{4}, 0, 1}, NetworkSpec{{0}, 2, 1}}) {
    CHECK_THROWS_AS(thesis_network()(spec, 1), ArgumentError);
    CHECK_THROWS_WITH(thesis_network()(spec, 1),
                      Catch::Contains("expected at least 1, at least 1, and 0 or 1"));
  }
}

TEST_CASE("a network without a value has the same policy and gradient, and no tensors for a value") {
  for (const bool shared_trunk : {false, true}) {
    const auto factory =
        mlp_network({.hidden = {8, 6}, .activation = Activation::kRelu, .shared_trunk = shared_trunk});
    const NetworkSpec with{{3}, 2, 1}, without{{3}, 2, 0};
    const auto network = factory(without, 5);
    CHECK(network->layout().size() < factory(with, 5)->layout().size());
    for (const TensorInfo& tensor : network->layout().tensors()) CHECK(tensor.name.rfind("v", 0) != 0);
    const GradientReport report = check_gradients(*network, without);
    CHECK(report.problems == std::vector<std::string>{});
    CHECK_THROWS_AS(network->make_policy_function()->value(network->first_weights(), std::vector<float>(3)),
                    ArgumentError);
    LocalNetwork local(factory(without, 5), without), other(factory(with, 5), with);
    std::copy_n(local.weights().begin(), local.weights().size(), other.weights().begin());
    const std::vector<float> observations{1, 2, 3, -1, 0.5f, 2};
    std::vector<float> logits(4), expected(4), values(2), none;
    local.evaluate(observations, logits, none);
    other.evaluate(observations, expected, values);
    CHECK(logits == expected);
    // With other weights than its own.
    const std::vector<float> zeros(local.weights().size());
    local.evaluate_with(zeros, observations, logits, none);
    CHECK(logits == std::vector<float>(4));
  }
}

TEST_CASE("a network with memory may have no value") {
  const NetworkSpec spec{{3}, 2, 0};
  for (const bool shared : {false, true}) {
    const auto network = mlp_network({.hidden = {4}, .shared_trunk = shared, .memory = 3})(spec, 1);
    for (const TensorInfo& tensor : network->layout().tensors()) CHECK(tensor.name[0] != 'v');
    const GradientReport report = check_gradients(*network, spec);
    CAPTURE(to_text(report));
    CHECK(report.ok());
  }
}

namespace {

NetworkSpec with_critics(int critics, int actions, int values = 0) {
  NetworkSpec spec{{3}, 4, values};
  spec.critics = critics;
  spec.critic_actions = actions;
  return spec;
}

}  // namespace

TEST_CASE("critics are stacks of their own over an observation and an action, with the right gradients") {
  for (const int values : {0, 1}) {
    for (const bool layer_norm : {false, true}) {
      for (const Activation activation : {Activation::kTanh, Activation::kRelu, Activation::kSilu}) {
        CAPTURE(values, layer_norm, activation_name(activation));
        const NetworkSpec spec = with_critics(2, 2, values);
        const auto network =
            mlp_network({.hidden = {7, 6}, .activation = activation, .layer_norm = layer_norm})(spec, 3);
        const GradientReport report = check_gradients(*network, spec);
        INFO(to_text(report));
        CHECK(report.ok());
        CHECK(report.tensors.back().name == "actions of the critics");
      }
    }
  }
  const auto network = mlp_network({.hidden = {7}})(with_critics(2, 2), 3);
  const auto& tensors = network->layout().tensors();
  REQUIRE(tensors.size() == 4 + 2 * 4);
  CHECK(tensors[4].name == "q1_1.weight");
  CHECK(tensors[4].shape == std::vector<std::int64_t>{7, 5});
  CHECK(tensors[8].name == "q2_1.weight");
  const auto weights = network->first_weights();
  CHECK_FALSE(std::equal(weights.begin() + static_cast<std::ptrdiff_t>(tensors[4].offset),
                         weights.begin() + static_cast<std::ptrdiff_t>(tensors[4].offset + 35),
                         weights.begin() + static_cast<std::ptrdiff_t>(tensors[8].offset)));
}

TEST_CASE("free outputs stand behind the critics") {
  NetworkSpec spec = with_critics(2, 1);
  spec.policy = 5;
  spec.free = 1;
  const auto network = make_network(mlp_network({.hidden = {6}}), spec, 3);
  const GradientReport report = check_gradients(*network, spec);
  INFO(to_text(report));
  CHECK(report.ok());
}

TEST_CASE("a gradient of a critic that is wrong is found") {
  struct WrongCritics final : CriticFunction {
    WrongCritics(std::unique_ptr<CriticFunction> given, bool by_weights)
        : inner(std::move(given)), wrong_weights(by_weights) {}
    void forward(std::span<const float> w, std::span<const float> x, std::span<const float> a,
                 std::span<float> values) override {
      inner->forward(w, x, a, values);
    }
    void backward(std::span<const float> w, std::span<const float> by_values,
                  std::span<float> gradient) override {
      inner->backward(w, by_values, gradient);
      if (wrong_weights) gradient.back() += 1;
    }
    void backward_to_actions(std::span<const float> w, std::span<const float> by_values,
                             std::span<float> by_actions) override {
      inner->backward_to_actions(w, by_values, by_actions);
      if (!wrong_weights) by_actions.back() += 1;
    }
    std::unique_ptr<CriticFunction> inner;
    bool wrong_weights;
  };
  struct Wrong final : Network {
    Wrong(const NetworkSpec& spec, bool by_weights)
        : inner(mlp_network({.hidden = {6}})(spec, 3)), wrong_weights(by_weights) {}
    const ParameterLayout& layout() const override { return inner->layout(); }
    std::vector<float> first_weights() const override { return inner->first_weights(); }
    std::unique_ptr<PolicyFunction> make_policy_function() override { return inner->make_policy_function(); }
    std::unique_ptr<GradientFunction> make_gradient_function() override {
      return inner->make_gradient_function();
    }
    std::unique_ptr<CriticFunction> make_critic_function() override {
      return std::make_unique<WrongCritics>(inner->make_critic_function(), wrong_weights);
    }
    std::unique_ptr<Network> inner;
    bool wrong_weights;
  };
  const NetworkSpec spec = with_critics(2, 1);
  for (const bool by_weights : {false, true}) {
    Wrong network(spec, by_weights);
    const GradientReport report = check_gradients(network, spec);
    CHECK_FALSE(report.ok());
    const auto& found = by_weights ? report.tensors[report.tensors.size() - 2] : report.tensors.back();
    CHECK_FALSE(found.ok);
  }
}

TEST_CASE("critics need a network that can have them") {
  CHECK_THROWS_WITH(mlp_network()(with_critics(2, 0), 1), Catch::Contains("2 critics of 0 numbers"));
  CHECK_THROWS_WITH(mlp_network()(with_critics(0, 2), 1), Catch::Contains("0 critics of 2 numbers"));
  CHECK_THROWS_WITH(mlp_network({.shared_trunk = true})(with_critics(2, 1), 1),
                    Catch::Contains("without a shared trunk"));
  CHECK_THROWS_WITH(mlp_network({.memory = 4})(with_critics(2, 1, 1), 1), Catch::Contains("without memory"));
  struct NoCritics final : Network {
    explicit NoCritics(const NetworkSpec& spec) : inner(mlp_network({.hidden = {6}})(spec, 3)) {}
    const ParameterLayout& layout() const override { return inner->layout(); }
    std::vector<float> first_weights() const override { return inner->first_weights(); }
    std::unique_ptr<PolicyFunction> make_policy_function() override { return inner->make_policy_function(); }
    std::unique_ptr<GradientFunction> make_gradient_function() override {
      return inner->make_gradient_function();
    }
    std::unique_ptr<Network> inner;
  };
  const NetworkSpec spec = with_critics(2, 1);
  CHECK_THROWS_WITH(LocalNetwork(std::make_unique<NoCritics>(spec), spec),
                    Catch::Contains("made no critic function, and the algorithm needs 2 critics"));
}
