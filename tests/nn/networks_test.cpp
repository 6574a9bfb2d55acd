#include "genkidama/nn/networks.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
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

TEST_CASE("a hidden layer without units is refused") {
  REQUIRE_THROWS_AS(mlp_network({{64, 0}, true}), ArgumentError);
}

TEST_CASE("a bundled network takes an image as a vector, and has one value") {
  const auto image = mlp_network({.hidden = {5}})({{2, 3, 4}, 3, 1}, 1);
  REQUIRE(image->layout().tensors()[0].shape == std::vector<std::int64_t>{5, 24});
  for (const NetworkSpec& spec :
       {NetworkSpec{{4}, 2, 0}, NetworkSpec{{4}, 2, 2}, NetworkSpec{{4}, 0, 1}, NetworkSpec{{0}, 2, 1}}) {
    CHECK_THROWS_AS(thesis_network()(spec, 1), ArgumentError);
    CHECK_THROWS_WITH(thesis_network()(spec, 1),
                      Catch::Contains("expected at least 1, at least 1 and exactly 1"));
  }
}
