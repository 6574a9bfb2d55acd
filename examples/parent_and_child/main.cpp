// A Parent and a Child in one program, joined over loopback.
#include <fmt/format.h>

#include <vector>

#include "genkidama/env/cart_pole.h"
#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"

int main() {
  constexpr std::uint64_t kRounds = 20;

  // First of all: this forks the workers, and a program must fork before it starts threads. Parent and Child
  // each start one for their sockets.
  genkidama::OrchestratorOptions options;
  options.workers = 2;
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, genkidama::thesis_network(), options);

  std::vector<float> initial(trainer.layout().size());
  trainer.read_weights(initial);
  genkidama::ParentOptions parent_options;
  parent_options.listen = {genkidama::Endpoint::parse("127.0.0.1:0")};  // 0: any free port
  parent_options.alpha = 0.5;
  genkidama::Parent parent(parent_options, trainer.layout(), initial);
  parent.start();

  genkidama::ChildOptions child_options;
  child_options.connect = genkidama::Endpoint{"127.0.0.1", parent.ports().front()};
  child_options.beta = 1;  // take over the Parent's weights after every round
  genkidama::Child child(child_options, trainer);
  child.run([](const genkidama::ChildProgress& progress) {
    fmt::print("round {:2}: {} steps so far\n", progress.rounds, progress.in_process.steps);
    return progress.rounds < kRounds;
  });

  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  fmt::print("the Parent merged {} times\n", parent.status().updates);
  // With beta 1 the Child ends with exactly what the Parent holds.
  return parent.status().updates == kRounds && weights == parent.weights() ? 0 : 1;
}
