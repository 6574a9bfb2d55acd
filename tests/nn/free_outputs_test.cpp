#include "genkidama/nn/free_outputs.h"

#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/nn/check_gradients.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/nn/networks.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

const NetworkSpec kSpec{.observation = {3}, .policy = 5, .values = 1, .free = 2, .free_start = -0.5f};

}  // namespace

TEST_CASE("free outputs are one more tensor, which starts as it was told and is part of every row") {
  const auto network = make_network(mlp_network({.hidden = {4}}), kSpec, 7);
  const auto inner = mlp_network({.hidden = {4}})(NetworkSpec{{3}, 3, 1}, 7);
  const TensorInfo& tensor = network->layout().tensors().back();
  CHECK(tensor.name == "log_deviation");
  CHECK(tensor.shape == std::vector<std::int64_t>{2});
  CHECK(network->layout().size() == inner->layout().size() + 2);
  CHECK(network->description() == inner->description());
  auto weights = network->first_weights(), expected = inner->first_weights();
  CHECK(std::vector<float>(weights.end() - 2, weights.end()) == std::vector<float>{-0.5f, -0.5f});
  CHECK(std::vector<float>(weights.begin(), weights.end() - 2) == expected);

  weights[weights.size() - 1] = 9;
  const std::vector<float> observations{1, 2, 3, -1, 0, 1};
  std::vector<float> logits(10), inner_logits(6), single(5);
  network->make_policy_function()->logits_of_batch(weights, observations, 2, logits);
  inner->make_policy_function()->logits_of_batch(expected, observations, 2, inner_logits);
  for (const std::size_t row : {0u, 1u}) {
    for (std::size_t k = 0; k < 3; ++k) CHECK(logits[row * 5 + k] == inner_logits[row * 3 + k]);
    CHECK(logits[row * 5 + 3] == -0.5f);
    CHECK(logits[row * 5 + 4] == 9);
  }
  network->make_policy_function()->logits(weights, std::span(observations).first(3), single);
  CHECK(single == std::vector<float>(logits.begin(), logits.begin() + 5));
  CHECK(network->make_policy_function()->value(weights, std::span(observations).first(3)) ==
        inner->make_policy_function()->value(expected, std::span(observations).first(3)));
}

TEST_CASE("the gradients of a network with free outputs agree with finite differences") {
  for (const int free : {1, 2, 4}) {
    NetworkSpec spec = kSpec;
    spec.free = free;
    const auto network = make_network(mlp_network({.hidden = {6}}), spec, 3);
    const GradientReport report = check_gradients(*network, spec);
    CAPTURE(to_text(report));
    CHECK(report.ok());
    CHECK(report.tensors.back().name == "log_deviation");
  }
}

TEST_CASE("a network with memory has free outputs too, with right gradients") {
  const auto network = make_network(mlp_network({.hidden = {6}, .memory = 5}), kSpec, 3);
  CHECK(network->state_size() == 5);
  GradientCheckOptions options;
  options.batch = 9;
  const GradientReport report = check_gradients(*network, kSpec, options);
  CAPTURE(to_text(report));
  CHECK(report.ok());
  CHECK(report.tensors.back().name == "log_deviation");
}

TEST_CASE("a network without free outputs is the factory's own") {
  const NetworkSpec spec{{3}, 5, 1};
  const auto network = make_network(thesis_network(), spec, 1);
  CHECK(network->layout() == thesis_network()(spec, 1)->layout());
  CHECK(network->first_weights() == thesis_network()(spec, 1)->first_weights());
}

TEST_CASE("free outputs out of range, no network and a tensor of the same name are refused") {
  for (const int free : {-1, 5, 6}) {
    NetworkSpec spec = kSpec;
    spec.free = free;
    CHECK_THROWS_AS(make_network(mlp_network(), spec, 1), ArgumentError);
    CHECK_THROWS_WITH(make_network(mlp_network(), spec, 1), Contains("5 policy outputs are free"));
  }
  CHECK_THROWS_WITH(mlp_network()(kSpec, 1), Contains("2 free outputs") && Contains("make_network()"));
  const NetworkFactory none = [](const NetworkSpec&, std::uint64_t) { return nullptr; };
  CHECK_THROWS_WITH(make_network(none, kSpec, 1), Contains("null pointer"));
  // A network that has free outputs already: the factory is never asked for more.
  const NetworkFactory twice = [](const NetworkSpec& spec, std::uint64_t seed) {
    CHECK(spec.free == 0);
    NetworkSpec more = spec;
    more.policy += 1;
    more.free = 1;
    return make_network(mlp_network(), more, seed);
  };
  CHECK_THROWS_WITH(make_network(twice, kSpec, 1), Contains("log_deviation"));
}
