// Starting to train, with workers that are processes and with threads: nothing may be left of a start that
// failed.
#include <sys/wait.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <set>
#include <string>

#include "failing_new.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "support/catch.h"
#include "support/chain_environment.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

std::set<std::string> entries_of(const char* directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    // libfaketime's, of a program that another test runs at the same time.
    if (name.find("faketime_") == std::string::npos) names.insert(name);
  }
  return names;
}

bool has_children() {
  return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD;
}

/// Constructs a trainer and lets it train a round, with the Nth allocation failing, in whichever process.
std::uint64_t start_everywhere(WorkerMode mode) {
  const auto shared = entries_of("/dev/shm");
  const auto descriptors = entries_of("/proc/self/fd").size();
  return until_none_fails([&](std::uint64_t number) {
    bool trained = false, failed = false;
    {
      const FailingAllocation failing(number);
      try {
        OrchestratorOptions options;
        options.mode = mode;
        options.workers = 2;
        CoreOrchestrator trainer(genkidama::test::chain_factory(), mlp_network({{8}, true}), options);
        trainer.train_round();
        trained = true;
      } catch (const std::exception&) {
        // The lead's own, or a worker's, told by the lead.
      }
      failed = failing.failed();
    }
    CAPTURE(number);
    REQUIRE((trained || failed));
    REQUIRE_FALSE(has_children());
    REQUIRE(entries_of("/proc/self/fd").size() == descriptors);
    REQUIRE(entries_of("/dev/shm") == shared);
    return failed;
  });
}

}  // namespace

TEST_CASE("a start of worker processes that fails for want of memory leaves nothing", "[forks]") {
  CHECK(start_everywhere(WorkerMode::kProcesses) > 100);
}

TEST_CASE("a start of worker threads that fails for want of memory leaves nothing", "[forks]") {
  CHECK(start_everywhere(WorkerMode::kThreads) > 50);
}
