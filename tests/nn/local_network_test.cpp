#include "genkidama/nn/local_network.h"

#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/nn/networks.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

const NetworkSpec kSpec{{3}, 2, 1};

/// The thesis' network with one thing wrong.
class Faulty : public Network {
 public:
  enum class Fault { kNoParameters, kTooFewWeights, kNoFunction, kState };
  explicit Faulty(Fault fault) : fault_(fault) {}

  const ParameterLayout& layout() const override {
    return fault_ == Fault::kNoParameters ? empty_ : right_->layout();
  }
  std::vector<float> first_weights() const override {
    auto weights = right_->first_weights();
    if (fault_ == Fault::kTooFewWeights) weights.pop_back();
    return weights;
  }
  std::size_t state_size() const override { return fault_ == Fault::kState ? 16 : 0; }
  std::unique_ptr<PolicyFunction> make_policy_function() override { return right_->make_policy_function(); }
  std::unique_ptr<GradientFunction> make_gradient_function() override {
    return fault_ == Fault::kNoFunction ? nullptr : right_->make_gradient_function();
  }

 private:
  Fault fault_;
  ParameterLayout empty_;
  std::unique_ptr<Network> right_ = thesis_network()(kSpec, 1);
};

}  // namespace

TEST_CASE("a local network starts with its first weights and computes with the ones it holds") {
  LocalNetwork network(thesis_network()(kSpec, 1), kSpec);
  const auto first = thesis_network()(kSpec, 1)->first_weights();
  REQUIRE(std::vector<float>(network.weights().begin(), network.weights().end()) == first);
  const std::vector<float> observation{0.1f, -0.2f, 0.3f};
  std::vector<float> logits(2), batch_logits(2), values(1);
  network.policy().logits(network.weights(), observation, logits);
  network.evaluate(observation, batch_logits, values);
  REQUIRE(batch_logits[0] == Approx(logits[0]).margin(1e-6));
  // The value's last bias is the layout's last element.
  network.weights().back() += 1;
  const float before = values[0];
  network.evaluate(observation, batch_logits, values);
  REQUIRE(values[0] == Approx(before + 1));
  network.backpropagate(std::vector<float>{0, 0}, std::vector<float>{2.5f});
  REQUIRE(network.gradient().back() == 2.5f);
}

TEST_CASE("a network that cannot be trained is refused") {
  REQUIRE_THROWS_AS(LocalNetwork(nullptr, kSpec), ArgumentError);
  REQUIRE_THROWS_WITH(LocalNetwork(std::make_unique<Faulty>(Faulty::Fault::kNoParameters), kSpec),
                      Catch::Contains("no parameters"));
  REQUIRE_THROWS_WITH(LocalNetwork(std::make_unique<Faulty>(Faulty::Fault::kTooFewWeights), kSpec),
                      Catch::Contains("first weights"));
  REQUIRE_THROWS_AS(LocalNetwork(std::make_unique<Faulty>(Faulty::Fault::kNoFunction), kSpec), ArgumentError);
  REQUIRE_THROWS_WITH(LocalNetwork(std::make_unique<Faulty>(Faulty::Fault::kState), kSpec),
                      Catch::Contains("16 floats of state") && Catch::Contains("expected both"));
}
