#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <limits>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/process_probes.h"
#include "support/catch.h"
#include "support/chain_environment.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

// The first worker that dies ends the training: worker_restart_test.cpp is about those that are replaced.
OrchestratorOptions with_workers(int workers, WorkerMode mode = WorkerMode::kProcesses) {
  OrchestratorOptions options;
  options.workers = workers;
  options.mode = mode;
  options.worker_timeout = Milliseconds{60'000};
  options.max_crashes_per_minute = 0;
  return options;
}

std::string text_of(CoreOrchestrator& trainer) {
  try {
    while (true) trainer.train_round();
  } catch (const WorkerError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a worker killed while it waits at the barrier is reported by name", "[forks]") {
  CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(3));
  trainer.train_round();
  const auto pids = trainer.worker_pids();
  REQUIRE(pids.size() == 3);
  REQUIRE(::kill(pids[1], SIGKILL) == 0);
  const std::string text = text_of(trainer);
  REQUIRE_THAT(text, Catch::Contains("worker 2 of 3 (pid " + std::to_string(pids[1]) + ")"));
  REQUIRE_THAT(text, Catch::Contains("signal 9"));
  std::vector<float> weights(trainer.layout().size());
  REQUIRE_NOTHROW(trainer.read_weights(weights));
  REQUIRE(text_of(trainer) == text);
}

TEST_CASE("a worker killed in the middle of an episode is reported by name", "[forks]") {
  // The worker kills itself at some step, so that no outside timing decides where it dies.
  Mischief mischief;
  mischief.at_step = [steps = 0]() mutable {
    if (++steps == 25) ::kill(::getpid(), SIGKILL);
  };
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), with_workers(2));
  REQUIRE_THAT(text_of(trainer), Catch::Contains("signal 9") && Catch::Contains("of 2"));
}

TEST_CASE("a worker that never ends its episode is named when the round's time is up", "[forks]") {
  Mischief mischief;
  mischief.at_step = [] { ::pause(); };
  auto options = with_workers(2);
  options.worker_timeout = Milliseconds{300};
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), options);
  REQUIRE_THAT(text_of(trainer), Catch::Contains("worker 1 of 2, worker 2 of 2") && Catch::Contains("0.3 s"));
}

TEST_CASE("what an environment throws reaches the user with the worker's name") {
  Mischief mischief;
  mischief.at_step = [] { throw std::runtime_error("the joystick is unplugged"); };
  for (const WorkerMode mode : {WorkerMode::kThreads}) {
    CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), with_workers(2, mode));
    REQUIRE_THAT(text_of(trainer),
                 Catch::Contains("the joystick is unplugged") && Catch::Contains("of 2 failed"));
  }
}

TEST_CASE("what an environment throws in a worker process reaches the user with the worker's name",
          "[forks]") {
  Mischief mischief;
  mischief.at_step = [] { throw std::runtime_error("the joystick is unplugged"); };
  auto options = with_workers(2);
  // It would throw again, so nobody is replaced.
  options.max_crashes_per_minute = 10;
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), options);
  REQUIRE_THAT(text_of(trainer),
               Catch::Contains("the joystick is unplugged") && Catch::Contains("of 2 failed"));
  REQUIRE(trainer.worker_restarts() == 0);
}

TEST_CASE("what is thrown need not be an exception to end the training", "[forks]") {
  Mischief mischief;
  mischief.at_step = [] { throw 42; };
  for (const WorkerMode mode : {WorkerMode::kThreads, WorkerMode::kProcesses}) {
    CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), with_workers(2, mode));
    REQUIRE_THAT(text_of(trainer), Catch::Contains("no std::exception") && Catch::Contains("of 2 failed"));
  }
}

TEST_CASE("an observation of the wrong size is an error that names the environment and both sizes") {
  Mischief mischief;
  mischief.observation_size = 4;
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), with_workers(1, WorkerMode::kThreads));
  REQUIRE_THAT(text_of(trainer), Catch::Contains("Chain") && Catch::Contains("4") && Catch::Contains("3"));
}

TEST_CASE("a factory that throws is an error at construction, in all modes", "[forks]") {
  const EnvironmentFactory broken = []() -> std::unique_ptr<Environment> {
    throw std::runtime_error("no such level file");
  };
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads, WorkerMode::kCaller}) {
    REQUIRE_THROWS_WITH(CoreOrchestrator(broken, thesis_network(), with_workers(1, mode)),
                        Catch::Contains("no such level file"));
  }
}

TEST_CASE("learning that diverges stops with a text that says so") {
  auto options = with_workers(1, WorkerMode::kThreads);
  options.hyperparameters.learning_rate = 1e30;
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options);
  REQUIRE_THAT(text_of(trainer), Catch::Contains("diverged"));
}

TEST_CASE("no worker process is left when the trainer is gone", "[forks]") {
  std::vector<int> pids;
  {
    CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(4));
    trainer.train_round();
    pids = trainer.worker_pids();
  }
  for (const int pid : pids) REQUIRE((::kill(pid, 0) == -1 && errno == ESRCH));
}

TEST_CASE("workers end when their lead is killed", "[forks]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t lead = ::fork();
  if (lead == 0) {
    ::close(ends[0]);
    {
      CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(2));
      const auto pids = trainer.worker_pids();
      [[maybe_unused]] const auto n = ::write(ends[1], pids.data(), pids.size() * sizeof(int));
      // The workers hold copies of the pipe's writing end: the reader sees its end when the last one is gone.
      ::kill(::getpid(), SIGKILL);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  int pids[2] = {0, 0};
  REQUIRE(::read(ends[0], pids, sizeof pids) == sizeof pids);
  char byte;
  REQUIRE(::read(ends[0], &byte, 1) == 0);  // ctest's own timeout bounds this wait
  ::close(ends[0]);
  ::waitpid(lead, nullptr, 0);
}

TEST_CASE("many trainers started and ended one after another leave no process and no descriptor", "[forks]") {
  const auto descriptors = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(2));
    trainer.train_round();
  }
  REQUIRE(open_descriptors() == descriptors);
  // Neither a living child nor one that nobody has waited for.
  REQUIRE(::waitpid(-1, nullptr, WNOHANG) == -1);
  REQUIRE(errno == ECHILD);
}
