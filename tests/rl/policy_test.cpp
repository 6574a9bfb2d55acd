#include "genkidama/rl/policy.h"

#include <bit>
#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/nn/networks.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/algorithm.h"
#include "rl/policy_record.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

using Path = std::filesystem::path;
using Metadata = std::map<std::string, std::string>;

const EnvironmentSpec kTask{"Task", 3, 4, 100};
const NetworkSpec kSizes{{3}, 4, 1};
const std::vector<float> kObservation{0.5f, -1.0f, 2.0f};

Metadata task_metadata(const std::string& network = "mlp 8 tanh") {
  return to_metadata({.environment = "Task", .network = network, .sizes = kSizes, .action_width = 1});
}

/// A network of 8 tanh units with the weights of `seed`, or with `weights`.
Path write_policy(const Path& path, const Metadata& metadata, std::vector<float> weights = {}) {
  const auto network = mlp_network({.hidden = {8}, .orthogonal = false})(kSizes, 5);
  if (weights.empty()) weights = network->first_weights();
  write_safetensors(path, {network->layout(), std::move(weights), metadata});
  return path;
}

std::vector<float> expected_logits() {
  const auto network = mlp_network({.hidden = {8}, .orthogonal = false})(kSizes, 5);
  std::vector<float> logits(4);
  network->make_policy_function()->logits(network->first_weights(), kObservation, logits);
  return logits;
}

float likeliest() {
  const auto logits = expected_logits();
  return static_cast<float>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// A network of one's own: the tensors of mlp_network({8}) in other arithmetic.
class OwnNetwork : public Network {
 public:
  explicit OwnNetwork(std::string description, float output = 0)
      : mlp_(mlp_network({.hidden = {8}})(kSizes, 1)),
        description_(std::move(description)),
        output_(output) {}
  const ParameterLayout& layout() const override { return mlp_->layout(); }
  std::vector<float> first_weights() const override { return mlp_->first_weights(); }
  std::unique_ptr<PolicyFunction> make_policy_function() override { return std::make_unique<Play>(output_); }
  std::unique_ptr<GradientFunction> make_gradient_function() override { return {}; }
  std::string description() const override { return description_; }

 private:
  class Play : public PolicyFunction {
   public:
    explicit Play(float output) : output_(output) {}
    void logits(std::span<const float>, std::span<const float>, std::span<float> logits) override {
      for (float& logit : logits) logit = 0;
      logits[2] = output_;
    }
    float value(std::span<const float>, std::span<const float>) override { return 0; }

   private:
    float output_;
  };

  std::unique_ptr<Network> mlp_;
  std::string description_;
  float output_;
};

NetworkFactory own_network(const std::string& description, float output = 1) {
  return [=](const NetworkSpec&, std::uint64_t) { return std::make_unique<OwnNetwork>(description, output); };
}

}  // namespace

TEST_CASE("a policy from a file chooses as the network that was saved") {
  const TemporaryDirectory directory;
  Metadata metadata = task_metadata();
  metadata["update"] = "17";
  const Path file = write_policy(directory / "p", metadata);
  Policy policy = load_policy(file);
  CHECK(policy.sizes() == kSizes);
  CHECK(policy.metadata().at("update") == "17");
  const Action action = policy.act(kObservation);
  REQUIRE(action.size() == 1);
  CHECK(action[0] == likeliest());

  Policy checked = load_policy(file, {.environment = kTask, .network = mlp_network({.hidden = {8}})});
  CHECK(checked.act(kObservation)[0] == likeliest());
  Policy moved = std::move(checked);
  CHECK(moved.act(kObservation)[0] == likeliest());
}

TEST_CASE("a policy samples when it is told to, the same actions for the same seed") {
  const TemporaryDirectory directory;
  const Path file = write_policy(directory / "p", task_metadata());
  const auto actions = [&](std::uint64_t seed) {
    Policy policy = load_policy(file, {.acting = Acting::kSampling, .seed = seed});
    std::vector<float> result;
    for (int i = 0; i < 60; ++i) result.push_back(policy.act(kObservation)[0]);
    return result;
  };
  CHECK(actions(3) == actions(3));
  CHECK(actions(3) != actions(4));
  const auto drawn = actions(3);
  CHECK(std::count(drawn.begin(), drawn.end(), drawn.front()) < 60);
}

TEST_CASE("each action may be chosen in its own way, and a reset begins the sampled ones anew") {
  const TemporaryDirectory directory;
  Policy policy = load_policy(write_policy(directory / "p", task_metadata()));
  REQUIRE(policy.actions());
  CHECK(policy.actions()->choices == std::vector<int>{4});
  CHECK(policy.state().empty());
  const auto sampled = [&](std::uint64_t seed) {
    std::vector<float> actions;
    policy.reset(seed);
    for (int i = 0; i < 50; ++i) {
      actions.push_back(policy.act(kObservation, {}, Acting::kSampling)[0]);
      CHECK(policy.act(kObservation)[0] == likeliest());
    }
    return actions;
  };
  const auto first = sampled(1);
  CHECK(std::count(first.begin(), first.end(), first[0]) < 50);
  CHECK(sampled(2) != first);
  CHECK(sampled(1) == first);
}

TEST_CASE("a policy of the thesis' network or of layers of any sizes is rebuilt from its file") {
  const TemporaryDirectory directory;
  for (const auto& [hidden, description] :
       {std::pair(std::vector<int>{128}, "mlp 128 tanh"),
        std::pair(std::vector<int>{5, 7, 2}, "mlp 5 7 2 tanh"), std::pair(std::vector<int>{}, "mlp tanh")}) {
    const auto network = mlp_network({.hidden = hidden})(kSizes, 1);
    CHECK(network->description() == description);
    for (const auto& metadata : {task_metadata(network->description()), Metadata()}) {
      write_safetensors(directory / "p", {network->layout(), network->first_weights(), metadata});
      CHECK(load_policy(directory / "p").act(kObservation).size() == 1);
      CHECK(load_policy(directory / "p").sizes() == kSizes);
    }
  }
  CHECK(thesis_network()(kSizes, 1)->description() == "mlp 128 tanh");
}

TEST_CASE("a policy of any bundled network acts as the network that was trained") {
  const TemporaryDirectory directory;
  for (const Activation activation : {Activation::kTanh, Activation::kRelu, Activation::kSilu}) {
    for (const bool shared : {false, true}) {
      for (const bool norm : {false, true}) {
        const auto network = mlp_network({.hidden = {6, 5},
                                          .orthogonal = false,
                                          .activation = activation,
                                          .shared_trunk = shared,
                                          .layer_norm = norm})(kSizes, 2);
        CAPTURE(network->description());
        const auto weights = network->first_weights();
        write_safetensors(directory / "p",
                          {network->layout(), weights, task_metadata(network->description())});
        Policy policy = load_policy(directory / "p");
        const auto function = network->make_policy_function();
        std::vector<float> logits(static_cast<std::size_t>(kSizes.policy));
        Random random(3);
        for (int i = 0; i < 20; ++i) {
          std::vector<float> observation(kObservation.size());
          for (float& value : observation) value = static_cast<float>(2 * random.normal());
          function->logits(weights, observation, logits);
          const auto likeliest = std::max_element(logits.begin(), logits.end()) - logits.begin();
          CHECK(policy.act(observation)[0] == static_cast<float>(likeliest));
        }
      }
    }
  }
}

TEST_CASE("a policy with noisy layers is rebuilt from its file, and acts by its means") {
  const TemporaryDirectory directory;
  NetworkSpec noisy = kSizes;
  noisy.noisy = true;
  noisy.noisy_deviation = 30;
  const auto make = mlp_network({.hidden = {8}, .orthogonal = false});
  const auto network = make_network(make, noisy, 5);
  Metadata metadata = to_metadata(
      {.environment = "Task", .network = network->description(), .sizes = noisy, .action_width = 1});
  CHECK(metadata.at("noisy_layers") == "1");
  write_safetensors(directory / "p", {network->layout(), network->first_weights(), metadata});
  Policy policy = load_policy(directory / "p");
  CHECK(policy.sizes().noisy);
  for (int i = 0; i < 20; ++i) CHECK(policy.act(kObservation)[0] == likeliest());
  for (const char* const text : {"", "0", "2", "yes"}) {
    metadata["noisy_layers"] = text;
    write_safetensors(directory / "bad", {network->layout(), network->first_weights(), metadata});
    CHECK_THROWS_AS(load_policy(directory / "bad"), FormatError);
    CHECK_THROWS_WITH(load_policy(directory / "bad"), Contains("noisy_layers"));
  }
  // Without the word there are tensors too many.
  metadata.erase("noisy_layers");
  write_safetensors(directory / "bad", {network->layout(), network->first_weights(), metadata});
  CHECK_THROWS_AS(load_policy(directory / "bad"), LayoutError);
}

TEST_CASE("a file whose description is not of its tensors is refused") {
  const TemporaryDirectory directory;
  const auto network = mlp_network({.hidden = {8}})(kSizes, 1);
  for (const std::string lie : {"mlp 8 tanh shared", "mlp 8 tanh layer-norm", "mlp 8 8 tanh", "mlp 9 relu",
                                "mlp tanh", "mlp 1000000 1000 tanh", "mlp 2147483647 2147483647 silu"}) {
    CAPTURE(lie);
    write_safetensors(directory / "p", {network->layout(), network->first_weights(), task_metadata(lie)});
    CHECK_THROWS_AS(load_policy(directory / "p"), Error);
  }
  // What no bundled network calls itself is another network.
  write_safetensors(directory / "p",
                    {network->layout(), network->first_weights(), task_metadata("mlp 8 swish")});
  CHECK_THROWS_WITH(load_policy(directory / "p"), Contains("'mlp 8 swish'"));
}

TEST_CASE("a file of version 0.1, which names no network, is loaded") {
  const TemporaryDirectory directory;
  const Path file =
      write_policy(directory / "p", {{"environment", "Task"}, {"preset", "tuned"}, {"update", "3"}});
  CHECK(load_policy(file).act(kObservation)[0] == likeliest());
  CHECK(load_policy(file, {.environment = kTask}).act(kObservation)[0] == likeliest());
  CHECK(load_policy(file, {.environment = kTask, .network = own_network("own")}).act(kObservation)[0] == 2);
  EnvironmentSpec other = kTask;
  other.name = "Other";
  CHECK_THROWS_AS(load_policy(file, {.environment = other}), LayoutError);
}

TEST_CASE("tensors that only begin like a bundled network's are not taken for one") {
  const TemporaryDirectory directory;
  const ParameterLayout layout(
      {{"pi1.weight", {4, 3}}, {"pi1.bias", {4}}, {"v1.weight", {2, 3}}, {"v1.bias", {2}}});
  write_safetensors(directory / "p", {layout, std::vector<float>(layout.size()), {}});
  CHECK_THROWS_WITH(load_policy(directory / "p"),
                    Contains("no bundled network") && Contains("PolicyOptions::environment"));
  CHECK_THROWS_WITH(load_policy(directory / "p", {.environment = kTask}),
                    Contains("does not name its network") && Contains("PolicyOptions::network"));
}

TEST_CASE("a file of another network is refused by the names of both") {
  const TemporaryDirectory directory;
  const Path file = write_policy(directory / "p", task_metadata());
  CHECK_THROWS_AS(load_policy(file, {.network = own_network("own relu")}), LayoutError);
  CHECK_THROWS_WITH(
      load_policy(file, {.network = own_network("own relu")}),
      Contains("'mlp 8 tanh'") && Contains("'own relu'") && Contains((directory / "p").string()));
  CHECK_THROWS_WITH(load_policy(file, {.network = thesis_network()}),
                    Contains("'mlp 8 tanh'") && Contains("'mlp 128 tanh'"));
  // A network that does not describe itself is compared by its tensors alone.
  CHECK(load_policy(file, {.network = own_network("")}).act(kObservation)[0] == 2);

  const Path own = write_policy(directory / "own", task_metadata("own relu"));
  CHECK_THROWS_AS(load_policy(own), ArgumentError);
  CHECK_THROWS_WITH(load_policy(own), Contains("'own relu'") && Contains("PolicyOptions::network"));
  CHECK(load_policy(own, {.network = own_network("own relu")}).act(kObservation)[0] == 2);
  // A file that says its sizes and no network is of a network without a description, not of an older version.
  const Path silent = write_policy(directory / "silent", task_metadata(""));
  CHECK_THROWS_WITH(load_policy(silent), Contains("does not name its network"));
}

TEST_CASE("a file of another environment is refused by the names of both") {
  const TemporaryDirectory directory;
  const Path file = write_policy(directory / "p", task_metadata());
  const auto refuse = [&](const EnvironmentSpec& spec, const std::string& expected) {
    CHECK_THROWS_AS(load_policy(file, {.environment = spec}), LayoutError);
    CHECK_THROWS_WITH(load_policy(file, {.environment = spec}),
                      Contains("'Task' (observations of [3], 4 actions)") && Contains(expected));
  };
  refuse({"Other", 3, 4, 100}, "'Other' (observations of [3], 4 actions)");
  refuse({"Task", 5, 4, 100}, "'Task' (observations of [5], 4 actions)");
  refuse({"Task", 3, 2, 100}, "'Task' (observations of [3], 2 actions)");
  EnvironmentSpec latin_1{"T\xe4sk", 3, 4, 100};
  Metadata metadata =
      to_metadata({.environment = latin_1.name, .network = "mlp 8 tanh", .sizes = kSizes, .action_width = 1});
  const Path foreign = write_policy(directory / "latin_1", metadata);
  CHECK(load_policy(foreign, {.environment = latin_1}).act(kObservation)[0] == likeliest());
  EnvironmentSpec continuous{"Task", 3, 0, 100};
  continuous.action_space = {.choices = {}, .low = {-1, -1}, .high = {1, 1}};
  refuse(continuous, "'Task' (observations of [3], actions of 2 continuous components)");
  // A Gaussian has two outputs for one component: they are no actions.
  const ActionSpace pendulum{.choices = {}, .low = {-2}, .high = {2}};
  const Path one = write_policy(directory / "one", to_metadata({.environment = "Pendulum",
                                                                .network = "mlp 8 tanh",
                                                                .sizes = kSizes,
                                                                .action_width = 1,
                                                                .actions = pendulum,
                                                                .behaviour = "gaussian clip"}));
  CHECK_THROWS_WITH(load_policy(one, {.environment = EnvironmentSpec{"Other", 3, 4, 100}}),
                    Contains("'Pendulum' (observations of [3], actions of 1 continuous component)"));
  CHECK_THROWS_WITH(load_policy(file, {.environment = continuous}), !Contains("actions of 4"));
}

TEST_CASE("a policy whose action is no single choice needs a behaviour") {
  class Both : public Behaviour {
   public:
    void act(std::span<const float> outputs, ActionMask, Acting, Random&, std::span<float> action,
             float& p) const override {
      action[0] = outputs[0], action[1] = outputs[1], p = 0;
    }
  };
  const TemporaryDirectory directory;
  Metadata metadata = task_metadata();
  metadata["action_width"] = "2";
  const Path file = write_policy(directory / "p", metadata);
  CHECK_THROWS_AS(load_policy(file), ArgumentError);
  CHECK_THROWS_WITH(load_policy(file), Contains("PolicyOptions::behaviour"));
  Policy policy = load_policy(file, {.behaviour = std::make_shared<Both>()});
  const Action action = policy.act(kObservation);
  REQUIRE(action.size() == 2);
  CHECK(action[1] == expected_logits()[1]);
}

namespace {

const ActionSpace kHybrid{.choices = {3}, .low = {-2, 0}, .high = {2, 10}};

EnvironmentSpec hybrid_task() {
  EnvironmentSpec spec{"Hybrid", 3, 0, 100};
  spec.action_space = kHybrid;
  return spec;
}

Metadata hybrid_metadata(const GaussianOptions& options = {}) {
  return to_metadata({.environment = "Hybrid",
                      .network = "mlp 8 tanh",
                      .sizes = actor_critic_network(hybrid_task(), options),
                      .action_width = 3,
                      .actions = kHybrid,
                      .behaviour = action_behaviour(kHybrid, options)->description()});
}

/// A network of 8 tanh units with random weights.
Path write_hybrid(const Path& path, const Metadata& metadata, const GaussianOptions& options = {}) {
  const auto network = make_network(mlp_network({.hidden = {8}, .orthogonal = false}),
                                    actor_critic_network(hybrid_task(), options), 5);
  write_safetensors(path, {network->layout(), network->first_weights(), metadata});
  return path;
}

}  // namespace

TEST_CASE("a policy of any action space needs nothing but its file") {
  const TemporaryDirectory directory;
  for (const bool state : {false, true}) {
    for (const ActionBounds bounds : {ActionBounds::kClip, ActionBounds::kTanh}) {
      const GaussianOptions options{
          .initial_log_deviation = 0.25, .state_dependent_deviation = state, .action_bounds = bounds};
      const Path file = write_hybrid(directory / "p", hybrid_metadata(options), options);
      const auto sizes = actor_critic_network(hybrid_task(), options);
      const auto network = make_network(mlp_network({.hidden = {8}, .orthogonal = false}), sizes, 5);
      std::vector<float> outputs(static_cast<std::size_t>(sizes.policy)), chosen(3), expected(3);
      network->make_policy_function()->logits(network->first_weights(), kObservation, outputs);
      for (const Acting acting : {Acting::kGreedy, Acting::kSampling}) {
        Random random(4);
        float log_probability = 0;
        const auto behaviour = action_behaviour(kHybrid, options);
        behaviour->act(outputs, {}, acting, random, chosen, log_probability);
        behaviour->to_environment(chosen, expected);
        Policy policy = load_policy(file, {.environment = hybrid_task(), .acting = acting, .seed = 4});
        const Action action = policy.act(kObservation);
        CHECK(std::vector<float>(action.begin(), action.end()) == expected);
        CHECK_NOTHROW(check_action("policy", kHybrid, action));
      }
    }
  }
}

TEST_CASE("a policy keeps to a mask, and refuses one that does not fit") {
  const TemporaryDirectory directory;
  Policy policy = load_policy(write_policy(directory / "p", task_metadata()));
  std::vector<std::uint8_t> mask(4, 1);
  mask[static_cast<std::size_t>(likeliest())] = 0;
  CHECK(policy.act(kObservation, mask)[0] != likeliest());
  CHECK_THROWS_AS(policy.act(kObservation, std::vector<std::uint8_t>(3, 1)), ArgumentError);
  CHECK_THROWS_WITH(policy.act(kObservation, std::vector<std::uint8_t>(3, 1)),
                    Contains("3 bytes, expected 4"));
  CHECK_THROWS_WITH(policy.act(kObservation, std::vector<std::uint8_t>(4, 0)), Contains("forbids all 4"));
}

TEST_CASE("a policy for other choices or bounds is refused by the names of both") {
  const TemporaryDirectory directory;
  const Path file = write_hybrid(directory / "p", hybrid_metadata());
  EnvironmentSpec other = hybrid_task();
  other.action_space.high[0] = 3;
  CHECK_THROWS_AS(load_policy(file, {.environment = other}), LayoutError);
  CHECK_THROWS_WITH(load_policy(file, {.environment = other}), Contains("other choices or bounds"));
}

TEST_CASE("metadata of actions that is no description, or contradicts the network's, is refused") {
  const TemporaryDirectory directory;
  const auto refuse = [&](const char* key, const std::string& value) {
    Metadata metadata = hybrid_metadata();
    metadata[key] = value;
    const Path file = write_hybrid(directory / "p", metadata);
    CAPTURE(key, value);
    CHECK_THROWS_AS(load_policy(file), Error);
    CHECK_THROWS_WITH(load_policy(file), Contains("p'"));
  };
  for (const char* text : {"", "0", "-1", "x", "3 ", "3  4", "4", "3 3", "99999999999"})
    refuse("action_choices", text);
  for (const char* text : {"", "0", "nan nan", "2 0", "-2 0 1", "-2  0", "x y", "-2.0 0"})
    refuse("action_low", text);
  for (const char* text : {"", "-3 10", "nan 10"}) refuse("action_high", text);
  for (const char* text : {"", "0", "-1", "1", "7", "x"}) refuse("free_outputs", text);
  for (const char* text : {"", "0", "2"}) refuse("action_width", text);
  for (const char* text : {"categorical", "gaussian clip", "mine", "categorical, gaussian clip "})
    refuse("behaviour", text);
  // Bounds that the behaviour cannot use.
  Metadata metadata = hybrid_metadata({.action_bounds = ActionBounds::kTanh});
  metadata["action_high"] = "2 inf";
  CHECK_THROWS_AS(load_policy(write_hybrid(directory / "p", metadata)), FormatError);
}

TEST_CASE("a damaged policy, one with a NaN and the state of a run are refused by the file's name") {
  const TemporaryDirectory directory;
  const Path file = write_policy(directory / "p", task_metadata());
  std::string bytes;
  {
    std::ifstream in(file, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto refuse = [&](const std::string& content, const std::string& expected) {
    const Path damaged = directory / "damaged";
    std::ofstream(damaged, std::ios::binary) << content;
    CAPTURE(content.size());
    CHECK_THROWS_AS(load_policy(damaged), FormatError);
    CHECK_THROWS_WITH(load_policy(damaged), Contains("damaged'") && Contains(expected));
  };
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{100}, bytes.size() - 1})
    refuse(bytes.substr(0, length), "");
  refuse(bytes + "x", "");
  const auto nan = std::bit_cast<std::uint32_t>(std::numeric_limits<float>::quiet_NaN());
  std::string with_nan = bytes;
  for (std::size_t i = 0; i < 4; ++i) with_nan[bytes.size() - 4 + i] = static_cast<char>(nan >> (8 * i));
  refuse(with_nan, "nan");

  for (const Metadata& of_a_state : {Metadata{{"state_format", "2"}}, Metadata{{"optimizer_steps", "2"}}}) {
    const Path state = write_policy(directory / "state", of_a_state);
    CHECK_THROWS_AS(load_policy(state), FormatError);
    CHECK_THROWS_WITH(load_policy(state), Contains("state of a run") && Contains("final.safetensors"));
  }
  CHECK_THROWS_AS(load_policy(directory / "none"), IoError);
}

TEST_CASE(
    "metadata that contradicts the tensors or is no description is refused, however large its numbers") {
  const TemporaryDirectory directory;
  const auto refuse = [&](const char* key, const std::string& value) {
    Metadata metadata = task_metadata();
    metadata[key] = value;
    const Path file = write_policy(directory / "p", metadata);
    CAPTURE(key, value);
    CHECK_THROWS_AS(load_policy(file), Error);
    CHECK_THROWS_WITH(load_policy(file), Contains("p'"));
  };
  for (const char* text : {"", "x", "0", "-3", "3 ", " 3", "3  1", "99999999999", "65536 65536", "3x", "4"})
    refuse("observation_shape", text);
  for (const char* text : {"", "x", "0", "5", "99999999999"}) refuse("policy_outputs", text);
  for (const char* text : {"", "-1"}) refuse("value_outputs", text);
  for (const char* text : {"", "0", "2"}) refuse("action_width", text);
  for (const char* text :
       {"mlp", "mlp 8", "mlp 8 elu", "mlp  8 tanh", "mlp 8 tanh ", "mlp 0 tanh", "mlp 08 tanh", "mlp 9 tanh",
        "mlp 8 8 tanh", "mlp 30000 30000 tanh", "MLP 8 tanh", "\xe2\x98\x83"})
    refuse("network", text);
}

TEST_CASE("no action follows from a bad observation or from outputs that are not finite") {
  const TemporaryDirectory directory;
  const Path file = write_policy(directory / "p", task_metadata());
  Policy policy = load_policy(file);
  CHECK_THROWS_AS(policy.act(std::vector<float>(2)), ArgumentError);
  CHECK_THROWS_WITH(policy.act(std::vector<float>(4)), Contains("4 floats") && Contains("takes 3"));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    CHECK_THROWS_AS(policy.act(std::vector<float>{0, bad, 0}), ArgumentError);
    CHECK_THROWS_WITH(policy.act(std::vector<float>{0, bad, 0}), Contains("value 1 of the observation"));
    Policy own = load_policy(file, {.network = own_network("", bad)});
    CHECK_THROWS_WITH(own.act(kObservation), Contains("policy output 2"));
  }
  CHECK(policy.act(kObservation)[0] == likeliest());
}
