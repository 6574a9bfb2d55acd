// What is printed around forks and in workers: nothing is lost, nothing is doubled.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/process_probes.h"
#include "support/catch.h"
#include "support/chain_environment.h"
#include "support/child_process.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// Prints when it is made, played and destroyed.
class Talkative : public ChainEnvironment {
 public:
  explicit Talkative(const EnvironmentContext& context)
      : describing_(context.purpose == EnvironmentPurpose::kDescribe) {
    std::printf("%s\n", describing_ ? "described" : "made");
  }
  ~Talkative() override {
    if (!describing_) std::printf("destroyed\n");
  }
  Observation reset(std::uint64_t seed) override {
    std::cout << "reset\n";
    return ChainEnvironment::reset(seed);
  }

 private:
  bool describing_;
};

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + word.size())) ++found;
  return found;
}

/// What a program writes into a file as its standard output.
template <typename Program>
std::string output_of(Program program) {
  const TemporaryDirectory directory;
  const auto path = directory / "output";
  std::fflush(nullptr);
  ChildProcess child([&] {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, STDOUT_FILENO);
    program();
    std::fflush(nullptr);
    return 0;
  });
  REQUIRE(child.wait() == "exit 0");
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void train_two_rounds() {
  OrchestratorOptions options;
  options.workers = 2;
  CoreOrchestrator trainer(
      [](const EnvironmentContext& context) { return std::make_unique<Talkative>(context); },
      thesis_network(), options);
  trainer.train_round();
  trainer.train_round();
}

}  // namespace

TEST_CASE("what an environment prints in a worker reaches a file once", "[forks]") {
  const std::string output = output_of([] {
    std::printf("before\n");
    std::cout << "also before\n";
    train_two_rounds();
    std::printf("after\n");
  });
  CHECK(count(output, "also before\n") == 1);
  CHECK(count(output, "before\n") == 2);
  CHECK(count(output, "described\n") == 1);
  CHECK(count(output, "made\n") == 2);
  CHECK(count(output, "reset\n") == 4);
  CHECK(count(output, "destroyed\n") == 2);
  CHECK(count(output, "after\n") == 1);
}

TEST_CASE("C++'s streams with buffers of their own are written out too", "[forks]") {
  const std::string output = output_of([] {
    std::ios::sync_with_stdio(false);
    std::cout << "before\n";
    train_two_rounds();
    std::cout.flush();
  });
  CHECK(count(output, "before\n") == 1);
  CHECK(count(output, "reset\n") == 4);
}

TEST_CASE("a program's own file is neither lost nor doubled", "[forks]") {
  const TemporaryDirectory directory;
  const auto path = directory / "own";
  output_of([&] {
    std::FILE* own = std::fopen(path.c_str(), "w");
    std::fprintf(own, "before\n");
    train_two_rounds();
    std::fclose(own);
  });
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  CHECK(text == "before\n");
}

TEST_CASE("what a worker printed in earlier rounds survives its violent end", "[forks]") {
  const std::string output = output_of([] {
    set_log_sink([](LogLevel, std::string_view) {});
    OrchestratorOptions options;
    options.workers = 1;
    CoreOrchestrator trainer(
        [](const EnvironmentContext& context) { return std::make_unique<Talkative>(context); },
        thesis_network(), options);
    trainer.train_round();
    ::kill(trainer.worker_pids()[0], SIGKILL);
    while (trainer.worker_restarts() == 0) trainer.train_round();
  });
  CHECK(count(output, "made\n") == 2);
  CHECK(count(output, "reset\n") >= 2);
}
