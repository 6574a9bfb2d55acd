// An agent that plays while somebody looks: what is handed over, what is drawn, and environments that fail.
#include "genkidama/run/watched_agent.h"

#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "env/picture/picture_json.h"
#include "genkidama/core/error.h"
#include "genkidama/env/canvas.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/trainer_run.h"
#include "run/page/agent_slots.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;
using nlohmann::json;

namespace {

/// The agent's next telling that `wanted` says yes to.
template <typename Wanted>
json eventual(WatchedAgent& agent, const Wanted& wanted) {
  json found;
  const bool came = eventually([&] {
    const auto latest = agent.latest();
    if (!latest) return false;
    found = json::parse(*latest);
    return wanted(found);
  });
  REQUIRE(came);
  return found;
}

/// A cart that is not drawn, or kills its process.
class Failing : public DiscreteEnvironment {
 public:
  explicit Failing(bool kills) : kills_(kills) {}
  const EnvironmentSpec& spec() const override { return inner_->spec(); }
  Observation reset(std::uint64_t seed) override { return inner_->reset(seed); }
  StepResult step(int choice) override {
    const auto action = static_cast<float>(choice);
    return inner_->step(Action(&action, 1));
  }
  void draw(Canvas&) const override {
    if (kills_) std::raise(SIGKILL);
  }

 private:
  std::unique_ptr<Environment> inner_ = make_cart_pole();
  bool kills_;
};

OrchestratorOptions one_worker() {
  OrchestratorOptions options;
  options.workers = 1;
  return options;
}

/// A policy as a run gives it.
Checkpoint policy_of(const CoreOrchestrator& trainer) {
  Checkpoint policy;
  policy.layout = trainer.layout();
  policy.metadata = trainer.policy_metadata();
  policy.metadata["update"] = "42";
  policy.weights.resize(trainer.layout().size());
  trainer.read_weights(policy.weights);
  return policy;
}

}  // namespace

TEST_CASE("a drawing is told in whole numbers, with y downwards") {
  Drawing drawing;
  drawing.view({.left = -1, .bottom = 0, .right = 1, .top = 1}, {255, 255, 255});
  const Point corners[] = {{-1, 0}, {1, 0}, {0, 1}};
  drawing.polygon(corners, {1, 2, 3});
  drawing.line({corners, 2}, 0.1F, {0, 0, 0});
  drawing.circle({0, 0.5F}, 0.25F, {255, 0, 0});
  drawing.text({0, 0}, 0.1F, "a \"b\" \\", {0, 0, 255});
  const json picture = json::parse(picture::to_json(drawing));
  CHECK(picture["w"] == 2000);
  CHECK(picture["h"] == 1000);
  CHECK(picture["b"] == "ffffff");
  CHECK(picture["s"][0] == json::parse(R"(["p","010203",[0,1000,2000,1000,1000,0]])"));
  CHECK(picture["s"][1] == json::parse(R"(["l","000000",100,[0,1000,2000,1000]])"));
  CHECK(picture["s"][2] == json::parse(R"(["c","ff0000",1000,500,250])"));
  CHECK(picture["s"][3] == json::parse(R"(["t","0000ff",1000,1000,100,"a \"b\" \\"])"));
}

TEST_CASE("a slot is written only when it was read, and read only when it was written") {
  const ParameterLayout layout({{"w", {3}}});
  AgentSlots slots(layout);
  Checkpoint policy{layout, {1, 2, 3}, {{"a", "b"}, {"", std::string("\0c", 2)}}};
  CHECK_FALSE(slots.take());
  CHECK(slots.can_give());
  CHECK(slots.give(policy));
  CHECK_FALSE(slots.can_give());
  const auto taken = slots.take();
  REQUIRE(taken);
  CHECK(taken->weights == policy.weights);
  CHECK(taken->metadata == policy.metadata);
  CHECK(slots.can_give());
  // What does not fit is not given.
  policy.metadata["long"] = std::string(2 << 20, 'x');
  CHECK_FALSE(slots.give(policy));
  CHECK_FALSE(slots.give({layout, {1}, {}}));
  CHECK_FALSE(slots.take());

  CHECK_FALSE(slots.see());
  CHECK(slots.draw("one"));
  CHECK_FALSE(slots.can_draw());
  CHECK(slots.see() == "one");
  CHECK_FALSE(slots.see());
  CHECK_FALSE(slots.draw(std::string(1 << 20, 'x')));
}

TEST_CASE("an agent plays a run's policy while somebody looks", "[forks]") {
  CHECK_THROWS_AS(WatchedAgent({}), ArgumentError);
  const CoreOrchestrator trainer(make_cart_pole, mlp_network(), one_worker());
  WatchedAgent agent({.environment = make_cart_pole, .layout = trainer.layout()});
  CHECK_FALSE(agent.wants_policy());
  CHECK(agent.latest() == nullptr);
  agent.come();
  REQUIRE(eventually([&] { return agent.wants_policy(); }));
  agent.give(policy_of(trainer));
  // Not more than one a second.
  CHECK_FALSE(agent.wants_policy());
  const json first = eventual(agent, [](const json& told) { return told.contains("picture"); });
  CHECK(first["update"] == "42");
  CHECK(first["episode"] == 1);
  CHECK(first["picture"]["s"].size() > 2);
  const json later = eventual(agent, [&](const json& told) { return told["steps"] > first["steps"]; });
  CHECK(later["picture"] != first["picture"]);
  CHECK(eventual(agent, [](const json& told) { return told["episode"] == 2; })["return"] >= 0);
  agent.go();
  CHECK_FALSE(agent.wants_policy());
}

TEST_CASE("a run gives its policy to whoever asks at an update", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator trainer(make_cart_pole, mlp_network(), one_worker());
  struct Taker : RunObserver {
    void on_update(const UpdateEvent& event) override {
      REQUIRE(event.policy);
      policy = event.policy();
    }
    Checkpoint policy;
  } taker;
  RunOptions options = options_in(directory / "run");
  options.updates = 3;
  TrainerRun run(trainer, options, &taker);
  while (run.advance()) {
  }
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  CHECK(taker.policy.weights == weights);
  CHECK(taker.policy.metadata.at("update") == "3");
  Policy policy = make_policy(taker.policy);
  const std::vector<float> observation(4, 0.01F);
  CHECK(policy.act(observation).size() == 1);
  taker.policy.weights.pop_back();
  CHECK_THROWS_AS(make_policy(taker.policy), ArgumentError);
}

TEST_CASE("an environment that cannot be shown ends its agent alone, and says why", "[forks]") {
  const bool kills = GENERATE(false, true);
  const CoreOrchestrator trainer(make_cart_pole, mlp_network(), one_worker());
  WatchedAgent agent(
      {.environment = [kills] { return std::make_unique<Failing>(kills); }, .layout = trainer.layout()});
  agent.come();
  agent.give(policy_of(trainer));
  const json told = eventual(agent, [](const json& latest) { return latest.contains("problem"); });
  CHECK_THAT(told["problem"].get<std::string>(), Catch::Contains(kills ? "signal 9" : "draws nothing"));
  agent.go();
}
