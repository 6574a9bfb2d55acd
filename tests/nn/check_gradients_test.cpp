#include "genkidama/nn/check_gradients.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/nn/networks.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

const NetworkSpec kSpec{{3}, 2, 1};

/// A linear network, logits = W x + b and value = v x, with a fault that the case chooses.
struct Fault {
  std::function<void(std::span<float> logits, std::span<float> values)> forward{};
  std::function<void(std::span<float> gradient)> backward{};
  std::function<void(std::vector<float>& weights)> first_weights{};
  std::function<void(std::span<float> logits)> policy{};
  float value_offset = 0;
  bool adds = false;
};

struct LinearGradient : GradientFunction {
  explicit LinearGradient(const Fault& given) : fault(given) {}
  void forward(std::span<const float> w, std::span<const float> x, std::span<float> logits,
               std::span<float> values) override {
    seen = x;
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = 0;
      for (std::size_t k = 0; k < 2; ++k) logits[2 * i + k] = w[6 + k];
      for (std::size_t j = 0; j < 3; ++j) {
        for (std::size_t k = 0; k < 2; ++k) logits[2 * i + k] += w[3 * k + j] * x[3 * i + j];
        values[i] += w[8 + j] * x[3 * i + j];
      }
    }
    if (fault.forward) fault.forward(logits, values);
  }
  void backward(std::span<const float>, std::span<const float> by_logits, std::span<const float> by_values,
                std::span<float> gradient) override {
    if (!fault.adds) std::fill(gradient.begin(), gradient.end(), 0.0f);
    for (std::size_t i = 0; i < by_values.size(); ++i) {
      for (std::size_t k = 0; k < 2; ++k) gradient[6 + k] += by_logits[2 * i + k];
      for (std::size_t j = 0; j < 3; ++j) {
        for (std::size_t k = 0; k < 2; ++k) gradient[3 * k + j] += by_logits[2 * i + k] * seen[3 * i + j];
        gradient[8 + j] += by_values[i] * seen[3 * i + j];
      }
    }
    if (fault.backward) fault.backward(gradient);
  }
  const Fault& fault;
  std::span<const float> seen;
};

struct LinearPolicy : PolicyFunction {
  explicit LinearPolicy(const Fault& given) : fault(given), gradient(none) {}
  void logits(std::span<const float> w, std::span<const float> x, std::span<float> out) override {
    float value = 0;
    gradient.forward(w, x, out, {&value, 1});
    if (fault.policy) fault.policy(out);
  }
  float value(std::span<const float> w, std::span<const float> x) override {
    std::vector<float> out(2);
    float value = 0;
    gradient.forward(w, x, out, {&value, 1});
    return value + fault.value_offset;
  }
  const Fault& fault;
  Fault none;
  LinearGradient gradient;
};

struct LinearNetwork : Network {
  explicit LinearNetwork(Fault given) : fault(std::move(given)) {}
  const ParameterLayout& layout() const override { return own_layout; }
  std::vector<float> first_weights() const override {
    std::vector<float> weights(own_layout.size(), 0.1f);
    if (fault.first_weights) fault.first_weights(weights);
    return weights;
  }
  std::unique_ptr<PolicyFunction> make_policy_function() override {
    return std::make_unique<LinearPolicy>(fault);
  }
  std::unique_ptr<GradientFunction> make_gradient_function() override {
    return std::make_unique<LinearGradient>(fault);
  }
  Fault fault;
  ParameterLayout own_layout{{{"policy.weight", {2, 3}}, {"policy.bias", {2}}, {"value.weight", {3}}}};
};

GradientReport report_on(Fault fault, const GradientCheckOptions& options = {}) {
  LinearNetwork network(std::move(fault));
  return check_gradients(network, kSpec, options);
}

void expect_problem(Fault fault, const std::string& words) {
  const GradientReport report = report_on(std::move(fault));
  CAPTURE(to_text(report));
  CHECK_FALSE(report.ok());
  REQUIRE(report.problems.size() == 1);
  CHECK_THAT(report.problems[0], Catch::Contains(words));
  CHECK_THAT(to_text(report), Catch::Contains(words));
}

/// The tensors whose gradient is called wrong.
std::vector<std::string> wrong_tensors(const GradientReport& report) {
  std::vector<std::string> names;
  for (const TensorGradient& tensor : report.tensors) {
    if (!tensor.ok) names.push_back(tensor.name);
  }
  return names;
}

}  // namespace

TEST_CASE("the bundled networks' gradients are right") {
  for (const NetworkFactory& factory :
       {thesis_network(), mlp_network(), mlp_network({.hidden = {}}), mlp_network({.hidden = {5, 4, 3}})}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      GradientCheckOptions options;
      options.seed = seed;
      const NetworkSpec spec{{8}, 4, 1};
      const auto network = factory(spec, seed);
      const GradientReport report = check_gradients(*network, spec, options);
      CAPTURE(to_text(report));
      CHECK(report.ok());
      REQUIRE(report.tensors.size() == network->layout().tensors().size());
      for (const TensorGradient& tensor : report.tensors) CHECK(tensor.tried > 0);
    }
  }
}

TEST_CASE("the gradients of every activation, trunk and normalisation are right") {
  const NetworkSpec spec{{5}, 3, 1};
  for (const Activation activation : {Activation::kTanh, Activation::kRelu, Activation::kSilu}) {
    for (const bool shared : {false, true}) {
      for (const bool norm : {false, true}) {
        for (const std::vector<int>& hidden :
             {std::vector<int>{}, std::vector<int>{8}, std::vector<int>{12, 9, 5}}) {
          const MlpOptions mlp{
              .hidden = hidden, .activation = activation, .shared_trunk = shared, .layer_norm = norm};
          const auto network = mlp_network(mlp)(spec, 3);
          GradientCheckOptions options;
          options.batch = 5;
          const GradientReport report = check_gradients(*network, spec, options);
          CAPTURE(network->description(), to_text(report));
          CHECK(report.ok());
          REQUIRE(report.tensors.size() == network->layout().tensors().size());
        }
      }
    }
  }
}

TEST_CASE("a right network written by hand is right, and all elements of small tensors are tried") {
  const GradientReport report = report_on({});
  CAPTURE(to_text(report));
  CHECK(report.ok());
  REQUIRE(report.tensors.size() == 3);
  CHECK(report.tensors[0].tried == 6);
  CHECK(report.tensors[1].tried == 2);
  CHECK(report.tensors[2].name == "value.weight");
  CHECK(report.tensors[2].error < 1e-3);
}

TEST_CASE("a wrong gradient is reported by its tensor, element and derivatives") {
  const GradientReport scaled = report_on({.backward = [](std::span<float> g) {
    for (float& x : g.subspan(6, 2)) x *= 2;
  }});
  CHECK(wrong_tensors(scaled) == std::vector<std::string>{"policy.bias"});
  CHECK(scaled.tensors[1].got == Approx(2 * scaled.tensors[1].expected).epsilon(1e-2));
  CHECK_THAT(to_text(scaled), Catch::Contains("policy.bias") && Catch::Contains("backward() gave"));

  const GradientReport one = report_on({.backward = [](std::span<float> g) { g[4] = -g[4]; }});
  CHECK(wrong_tensors(one) == std::vector<std::string>{"policy.weight"});
  CHECK(one.tensors[0].element == 4);

  const GradientReport none =
      report_on({.backward = [](std::span<float> g) { std::fill(g.begin(), g.end(), 0.0f); }});
  CHECK(wrong_tensors(none).size() == 3);

  const GradientReport slightly = report_on({.backward = [](std::span<float> g) {
    for (float& x : g.subspan(8)) x *= 1.05f;
  }});
  CHECK(wrong_tensors(slightly) == std::vector<std::string>{"value.weight"});
  CHECK_FALSE(slightly.ok());
}

TEST_CASE("what else is wrong with a network is a problem in words") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  expect_problem({.first_weights = [](std::vector<float>& w) { w.pop_back(); }},
                 "10 weights, and layout() has 11");
  expect_problem({.first_weights = [](std::vector<float>& w) { w[0] = kNan; }}, "not finite");
  expect_problem({.forward = [](auto logits, auto) { logits[1] = kNan; }},
                 "forward() gave values that are not finite");
  float calls = 0;
  expect_problem({.forward = [&](auto, auto values) { values[0] += ++calls; }}, "the second time");
  expect_problem({.forward =
                      [](auto logits, auto) {
                        if (logits.size() > 2) logits[0] += logits[2] + 1;
                      }},
                 "alone than in a batch of 8");
  expect_problem({.policy = [](auto logits) { logits[0] += 0.5f; }}, "PolicyFunction::logits()");
  expect_problem({.value_offset = 0.5f}, "PolicyFunction::value()");
  expect_problem({.adds = true}, "overwrite every element");
  expect_problem({.backward = [](std::span<float>) { throw std::runtime_error("no memory for that"); }},
                 "no memory for that");
}

TEST_CASE("options of a gradient check that are out of range are refused by name") {
  CHECK_THROWS_WITH(report_on({}, {.batch = 0}), Catch::Contains("batch is 0"));
  CHECK_THROWS_WITH(report_on({}, {.elements_per_tensor = 0}), Catch::Contains("elements_per_tensor"));
  CHECK_THROWS_WITH(report_on({}, {.step = 0}), Catch::Contains("step is 0"));
  CHECK_THROWS_AS(report_on({}, {.tolerance = -1}), ArgumentError);
}
