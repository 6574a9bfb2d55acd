// A run is gone on with by the network that began it, and by no other.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/nn/networks.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/parent_run.h"
#include "genkidama/run/trainer_run.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

/// "mlp 4 tanh" by another name.
class Renamed : public Network {
 public:
  Renamed(const NetworkSpec& spec, std::uint64_t seed, std::string name)
      : network_(mlp_network({{4}, false})(spec, seed)), name_(std::move(name)) {}
  const ParameterLayout& layout() const override { return network_->layout(); }
  std::vector<float> first_weights() const override { return network_->first_weights(); }
  std::unique_ptr<PolicyFunction> make_policy_function() override { return network_->make_policy_function(); }
  std::unique_ptr<GradientFunction> make_gradient_function() override {
    return network_->make_gradient_function();
  }
  std::string description() const override { return name_; }

 private:
  std::unique_ptr<Network> network_;
  std::string name_;
};

CoreOrchestrator trainer_with(const std::string& name) {
  OrchestratorOptions options;
  options.workers = 1;
  const auto make = [name](const NetworkSpec& spec, std::uint64_t seed) {
    return std::make_unique<Renamed>(spec, seed, name);
  };
  return CoreOrchestrator(make_cart_pole, make, options);
}

/// One round of a run in this directory.
void play(CoreOrchestrator trainer, const std::filesystem::path& directory) {
  TrainerRun run(trainer, options_in(directory));
  run.advance();
  run.finish();
}

std::string refusal(CoreOrchestrator trainer, const std::filesystem::path& directory) {
  try {
    TrainerRun(trainer, options_in(directory));
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "";
}

std::string both(const std::string& file, const std::string& program) {
  return "it holds '" + file + "', and this network is '" + program + "'";
}

}  // namespace

TEST_CASE("a resumed run refuses another network by the names of both", "[forks]") {
  const TemporaryDirectory directory;
  play(trainer_of({4}), directory / "run");
  const auto state = directory / "run" / "state.safetensors";
  CHECK(read_safetensors(state).metadata.at("network") == "mlp 4 tanh");
  // Of other tensors, of the same tensors, and of this name.
  CHECK_THAT(refusal(trainer_of({8, 8}), directory / "run"),
             Catch::Contains(both("mlp 4 tanh", "mlp 8 8 tanh")));
  CHECK_THAT(refusal(trainer_with("four relus"), directory / "run"),
             Catch::Contains(both("mlp 4 tanh", "four relus")));
  CHECK_THAT(refusal(trainer_with("four relus"), directory / "run"), Catch::Contains(state.string()));
  CHECK(refusal(trainer_with("mlp 4 tanh"), directory / "run").empty());
}

TEST_CASE("a network that does not say what it is goes on with any state of its tensors", "[forks]") {
  const TemporaryDirectory directory;
  play(trainer_with("four tanhs"), directory / "named");
  CHECK(refusal(trainer_with(""), directory / "named").empty());
  play(trainer_with(""), directory / "nameless");
  CHECK(read_safetensors(directory / "nameless" / "state.safetensors").metadata.count("network") == 0);
  CHECK(refusal(trainer_with("four tanhs"), directory / "nameless").empty());
}

TEST_CASE("a Parent's run refuses another network by the names of both", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator before = trainer_with("four tanhs"), after = trainer_with("four relus");
  RunOptions options = options_in(directory / "parent");
  options.end_reason = [] { return std::string("signal"); };
  ParentOptions parent;
  parent.listen = {Endpoint::parse("127.0.0.1:0")};
  ParentRun(before, options, parent).run();
  CHECK_THROWS_WITH(ParentRun(after, options, parent), Catch::Contains(both("four tanhs", "four relus")));
}
