// Networks with memory: what a sequence makes of the state, and the way back through time.
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/nn/check_gradients.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/nn/networks.h"
#include "nn/bundled_network.h"
#include "nn/recurrent_mlp.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

const NetworkSpec kSpec{{3}, 2, 1};
constexpr std::size_t kUnits = 5;

std::vector<float> normal(std::size_t count, Random& random, double deviation = 1) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(deviation * random.normal());
  return values;
}

std::span<const float> tensor_of(const Network& network, std::span<const float> weights,
                                 const std::string& name) {
  for (const TensorInfo& info : network.layout().tensors()) {
    if (info.name == name) return weights.subspan(info.offset, info.count);
  }
  FAIL("no tensor " << name);
  return {};
}

/// The recurrent part in double precision, row by row as torch.nn.GRU writes its formula.
std::vector<double> gru_step(const Network& network, std::span<const float> weights,
                             std::span<const float> input, const std::vector<double>& state) {
  const auto from_input = tensor_of(network, weights, "gru.weight_ih_l0");
  const auto from_state = tensor_of(network, weights, "gru.weight_hh_l0");
  const auto input_bias = tensor_of(network, weights, "gru.bias_ih_l0");
  const auto state_bias = tensor_of(network, weights, "gru.bias_hh_l0");
  const auto by_input = [&](std::size_t row) {
    double sum = input_bias[row];
    for (std::size_t i = 0; i < input.size(); ++i) sum += from_input[row * input.size() + i] * input[i];
    return sum;
  };
  const auto by_state = [&](std::size_t row) {
    double sum = state_bias[row];
    for (std::size_t i = 0; i < state.size(); ++i) sum += from_state[row * state.size() + i] * state[i];
    return sum;
  };
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  std::vector<double> next(state.size());
  for (std::size_t j = 0; j < state.size(); ++j) {
    const double r = sigmoid(by_input(j) + by_state(j));
    const double z = sigmoid(by_input(kUnits + j) + by_state(kUnits + j));
    const double n = std::tanh(by_input(2 * kUnits + j) + r * by_state(2 * kUnits + j));
    next[j] = (1 - z) * n + z * state[j];
  }
  return next;
}

double linear(const Network& network, std::span<const float> weights, const std::string& name,
              std::size_t row, const std::vector<double>& input) {
  double sum = tensor_of(network, weights, name + ".bias")[row];
  const auto matrix = tensor_of(network, weights, name + ".weight");
  for (std::size_t i = 0; i < input.size(); ++i) sum += matrix[row * input.size() + i] * input[i];
  return sum;
}

/// One thing wrong with a right network.
class Faulty : public Network {
 public:
  enum class Fault { kNone, kNoFunctions, kForgets, kValueOfNextState, kEpisodesMix, kSequencesMix };
  explicit Faulty(Fault fault) : fault_(fault) {}

  const ParameterLayout& layout() const override { return right_->layout(); }
  std::vector<float> first_weights() const override { return right_->first_weights(); }
  std::unique_ptr<PolicyFunction> make_policy_function() override { return nullptr; }
  std::unique_ptr<GradientFunction> make_gradient_function() override { return nullptr; }
  std::size_t state_size() const override { return right_->state_size(); }
  std::unique_ptr<RecurrentPolicyFunction> make_recurrent_policy_function() override {
    if (fault_ == Fault::kNoFunctions) return nullptr;
    return std::make_unique<Policy>(right_->make_recurrent_policy_function(), fault_);
  }
  std::unique_ptr<SequenceGradientFunction> make_sequence_gradient_function() override {
    return std::make_unique<Gradient>(right_->make_sequence_gradient_function(), fault_);
  }

 private:
  struct Policy : RecurrentPolicyFunction {
    Policy(std::unique_ptr<RecurrentPolicyFunction> given, Fault of) : right(std::move(given)), fault(of) {}
    void step(std::span<const float> weights, std::span<const float> observations, std::size_t n,
              std::span<float> states, std::span<float> outputs) override {
      const std::vector<float> before(states.begin(), states.end());
      right->step(weights, observations, n, states, outputs);
      if (fault == Fault::kForgets) std::copy(before.begin(), before.end(), states.begin());
      if (fault == Fault::kEpisodesMix && n > 1) outputs[0] = outputs[outputs.size() - 1] + 1;
    }
    float value(std::span<const float> weights, std::span<const float> observation,
                std::span<const float> state) override {
      std::vector<float> copy(state.begin(), state.end()), outputs(2);
      if (fault == Fault::kValueOfNextState) right->step(weights, observation, 1, copy, outputs);
      return right->value(weights, observation, copy);
    }
    std::unique_ptr<RecurrentPolicyFunction> right;
    Fault fault;
  };
  struct Gradient : SequenceGradientFunction {
    Gradient(std::unique_ptr<SequenceGradientFunction> given, Fault of)
        : right(std::move(given)), fault(of) {}
    void forward(std::span<const float> weights, const Sequences& sequences, std::span<float> outputs,
                 std::span<float> values, std::span<float> states) override {
      right->forward(weights, sequences, outputs, values, states);
      if (fault == Fault::kSequencesMix && sequences.lengths.size() > 1) values.back() += 1;
    }
    void backward(std::span<const float> weights, std::span<const float> by_outputs,
                  std::span<const float> by_values, std::span<float> gradient) override {
      right->backward(weights, by_outputs, by_values, gradient);
    }
    std::unique_ptr<SequenceGradientFunction> right;
    Fault fault;
  };

  Fault fault_;
  std::unique_ptr<Network> right_ = mlp_network({.hidden = {4}, .memory = 6})(kSpec, 1);
};

std::string problems_of(Faulty::Fault fault) {
  Faulty network(fault);
  return to_text(check_gradients(network, kSpec));
}

}  // namespace

TEST_CASE(
    "a memory computes PyTorch's formula, step by step and in one call, with every version of the kernels") {
  Random random(5);
  // Without hidden layers the observation goes into the memory, and the heads are linear.
  const auto network = mlp_network({.hidden = {}, .memory = kUnits})(kSpec, 1);
  const auto weights = normal(network->layout().size(), random, 0.6);
  MlpShape shape{{kUnits, 2}, {kUnits, 1}};
  shape.memory = {3, kUnits};
  for (const DenseKernels* kernels : runnable_dense_kernels()) {
    const auto policy = make_recurrent_mlp_policy(shape, *kernels);
    const auto learner = make_recurrent_mlp_gradient(shape, *kernels);
    const std::vector<std::size_t> lengths{2, 7, 1, 7, 4};
    constexpr std::size_t kSteps = 21;
    const auto observations = normal(3 * kSteps, random), first_states = normal(5 * kUnits, random);
    std::vector<float> outputs(2 * kSteps), values(kSteps), states(kUnits * kSteps);
    const Sequences sequences{observations, lengths, first_states};
    REQUIRE(sequences.steps() == kSteps);
    learner->forward(weights, sequences, outputs, values, states);
    std::size_t step = 0;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      const auto first = first_states.begin() + static_cast<std::ptrdiff_t>(s * kUnits);
      std::vector<double> expected(first, first + kUnits);
      std::vector<float> state(first, first + kUnits), alone(2);
      for (std::size_t t = 0; t < lengths[s]; ++t, ++step) {
        CAPTURE(kernels->name, s, t);
        const auto observation = std::span(observations).subspan(3 * step, 3);
        for (std::size_t j = 0; j < kUnits; ++j) {
          CHECK(states[step * kUnits + j] == Approx(expected[j]).margin(2e-6));
        }
        const float value = policy->value(weights, observation, state);
        policy->step(weights, observation, 1, state, alone);
        expected = gru_step(*network, weights, observation, expected);
        for (std::size_t j = 0; j < kUnits; ++j) CHECK(state[j] == Approx(expected[j]).margin(2e-6));
        for (std::size_t k = 0; k < 2; ++k) {
          const double logit = linear(*network, weights, "pi1", k, expected);
          CHECK(alone[k] == Approx(logit).margin(1e-5));
          CHECK(outputs[2 * step + k] == Approx(logit).margin(1e-5));
        }
        CHECK(value == Approx(linear(*network, weights, "v1", 0, expected)).margin(1e-5));
        CHECK(values[step] == Approx(value).margin(1e-5));
      }
    }
  }
}

TEST_CASE("gradients through time are right for every shape of a network with memory") {
  for (const Activation activation : {Activation::kTanh, Activation::kRelu, Activation::kSilu}) {
    for (const bool shared : {false, true}) {
      for (const bool norm : {false, true}) {
        for (const auto& [hidden, memory] :
             {std::pair(std::vector<int>{}, 1), std::pair(std::vector<int>{7}, 9),
              std::pair(std::vector<int>{6, 8}, 16)}) {
          const auto network = mlp_network({.hidden = hidden,
                                            .activation = activation,
                                            .shared_trunk = shared,
                                            .layer_norm = norm,
                                            .memory = memory})(kSpec, 2);
          GradientCheckOptions options;
          options.batch = 13;  // sequences of 1, 2, 3, 4 and 3 steps
          const GradientReport report = check_gradients(*network, kSpec, options);
          CAPTURE(network->description(), to_text(report));
          CHECK(report.ok());
          CHECK(report.tensors.size() == network->layout().tensors().size());
        }
      }
    }
  }
}

TEST_CASE("what is wrong with a network with memory is a problem in words") {
  using Fault = Faulty::Fault;
  using Catch::Contains;
  CHECK_THAT(problems_of(Fault::kNoFunctions), Contains("6 floats of state"));
  CHECK_THAT(problems_of(Fault::kForgets), Contains("SequenceGradientFunction::forward()"));
  CHECK_THAT(problems_of(Fault::kValueOfNextState), Contains("RecurrentPolicyFunction::value()"));
  CHECK_THAT(problems_of(Fault::kEpisodesMix), Contains("several episodes"));
  CHECK_THAT(problems_of(Fault::kSequencesMix), Contains("alone than beside others"));
  Faulty right(Fault::kNone);
  CHECK(check_gradients(right, kSpec).ok());
}

TEST_CASE("a memory has PyTorch's tensors, orthogonal gate by gate, and stands in the description") {
  const auto network = mlp_network({.hidden = {4}, .shared_trunk = true, .memory = 6})(kSpec, 3);
  std::string names;
  for (const TensorInfo& tensor : network->layout().tensors())
    names += tensor.name + shape_text(tensor.shape) + " ";
  CHECK(
      names ==
      "trunk1.weight[4, 3] trunk1.bias[4] gru.weight_ih_l0[18, 4] gru.weight_hh_l0[18, 6] gru.bias_ih_l0[18] "
      "gru.bias_hh_l0[18] pi1.weight[2, 6] pi1.bias[2] v1.weight[1, 6] v1.bias[1] ");
  CHECK(network->state_size() == 6);
  CHECK(network->description() == "mlp 4 tanh shared gru 6");
  // Heads of their own see the memory, which sees the observation.
  const auto apart = mlp_network({.hidden = {4}, .memory = 6})(kSpec, 3);
  CHECK(tensor_of(*apart, apart->first_weights(), "gru.weight_ih_l0").size() == 18 * 3);
  CHECK(apart->layout().tensors()[4].shape == std::vector<std::int64_t>{4, 6});

  const std::vector<float> weights = network->first_weights();
  const auto hidden = tensor_of(*network, weights, "gru.weight_hh_l0");
  for (std::size_t gate = 0; gate < 3; ++gate) {
    double squares = 0;
    for (const float w : hidden.subspan(gate * 36, 36)) squares += static_cast<double>(w) * w;
    CHECK(squares == Approx(6));
  }
  for (const float bias : tensor_of(*network, weights, "gru.bias_hh_l0")) CHECK(bias == 0);

  for (const std::string description :
       {"mlp 64 tanh gru 32", "mlp tanh gru 1", "mlp 8 relu shared layer-norm gru 64",
        "mlp 8 silu layer-norm gru 5"}) {
    const NetworkFactory made = bundled_network(description);
    REQUIRE(made);
    CHECK(made(kSpec, 1)->description() == description);
  }
  for (const std::string other :
       {"mlp 64 tanh gru", "mlp 64 tanh gru 0", "mlp 64 tanh gru -2", "mlp 64 tanh gru 3 3",
        "mlp 64 tanh gru 03", "mlp 64 tanh gru 5 shared", "mlp 64 tanh lstm 5"}) {
    CAPTURE(other);
    CHECK_FALSE(bundled_network(other));
  }
  CHECK_THROWS_WITH(mlp_network({.memory = -1}), Catch::Contains("memory is -1"));
}

TEST_CASE("a local network with memory learns from sequences and plays with a state") {
  LocalNetwork network(mlp_network({.hidden = {4}, .memory = 6})(kSpec, 1), kSpec);
  REQUIRE(network.state_size() == 6);
  const std::vector<float> observations{0.1f, -0.2f, 0.3f, 1, 2, 3};
  const std::vector<std::size_t> lengths{2};
  const std::vector<float> zeros(6);
  std::vector<float> outputs(4), values(2), state(6), alone(2);
  network.evaluate({observations, lengths, zeros}, outputs, values);
  network.recurrent_policy().step(network.weights(), std::span(observations).first(3), 1, state, alone);
  CHECK(outputs[0] == Approx(alone[0]).margin(1e-6));
  CHECK(network.recurrent_policy().value(network.weights(), std::span(observations).last(3), state) ==
        Approx(values[1]).margin(1e-6));
  network.backpropagate(std::vector<float>{0, 0, 0, 0}, std::vector<float>{1, 1.5f});
  CHECK(network.gradient().back() == 2.5f);
}
