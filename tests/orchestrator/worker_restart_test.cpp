// Workers that die or hang and are replaced.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/process_probes.h"
#include "support/catch.h"
#include "support/chain_environment.h"
#include "support/eventually.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

// What a worker may be silent where a test waits for it to be taken for hung: long enough for a busy machine.
constexpr Milliseconds kShortTimeout{400 * GENKIDAMA_TEST_PATIENCE};

OrchestratorOptions with_workers(int workers) {
  OrchestratorOptions options;
  options.workers = workers;
  options.worker_timeout = Milliseconds{60'000};
  options.max_crashes_per_minute = 100'000;
  return options;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> found;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream file(task.path() / "children");
    for (pid_t child = 0; file >> child;) found.push_back(child);
  }
  return found;
}

void require_sound(const CoreOrchestrator& trainer) {
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  REQUIRE(std::all_of(weights.begin(), weights.end(), [](float w) { return std::isfinite(w); }));
}

/// Trains some rounds, each of which must be whole; returns the restarts they report.
std::uint64_t train(CoreOrchestrator& trainer, int rounds) {
  std::uint64_t restarts = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto before = trainer.environment_steps();
    const RoundReport report = trainer.train_round();
    REQUIRE(report.episodes.size() == static_cast<std::size_t>(trainer.workers()));
    std::uint64_t lengths = 0;
    for (const auto& episode : report.episodes) {
      REQUIRE(episode.length >= 1);
      lengths += episode.length;
    }
    // What a worker that died had learnt counts too.
    REQUIRE(report.steps_in_round >= lengths);
    REQUIRE(report.steps_in_round == trainer.environment_steps() - before);
    if (report.worker_restarts == 0) REQUIRE(report.steps_in_round == lengths);
    restarts += report.worker_restarts;
  }
  require_sound(trainer);
  return restarts;
}

void require_same(const std::vector<EpisodeResult>& a, const std::vector<EpisodeResult>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].length == b[i].length);
    REQUIRE(a[i].episode_return == b[i].episode_return);
    REQUIRE(a[i].truncated == b[i].truncated);
  }
}

std::vector<EpisodeResult> evaluation_without_accidents(const EnvironmentFactory& environment,
                                                        const EvaluationRequest& request) {
  OrchestratorOptions options = with_workers(1);
  options.mode = WorkerMode::kThreads;
  return CoreOrchestrator(environment, thesis_network(), options).evaluate(request);
}

}  // namespace

TEST_CASE("a worker killed while it plays is replaced, and the round is whole", "[forks]") {
  const LogOfLead log;
  for (const std::uint32_t moment : {1u, 2u, 25u, 40u}) {
    const SharedCount steps;
    Mischief mischief;
    mischief.at_step = [&steps, moment] {
      if (steps.next() == moment) ::kill(::getpid(), SIGKILL);
    };
    CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), with_workers(2));
    REQUIRE(train(trainer, 10) == 1);
    REQUIRE(trainer.worker_restarts() == 1);
    REQUIRE(trainer.rounds() == 10);
  }
  REQUIRE_THAT(log.text(), Catch::Contains("of 2 (pid ") &&
                               Catch::Contains("was killed by signal 9 (Killed); started again"));
}

TEST_CASE("a worker killed at the start of an episode is replaced", "[forks]") {
  const LogOfLead log;
  const SharedCount resets;
  Mischief mischief;
  mischief.at_reset = [&resets] {
    if (resets.next() % 7 == 3) ::kill(::getpid(), SIGKILL);
  };
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), with_workers(3));
  REQUIRE(train(trainer, 20) >= 8);
  REQUIRE(trainer.worker_restarts() == (resets.value() + 4) / 7);
}

TEST_CASE("a worker that leaves by itself is replaced too", "[forks]") {
  const LogOfLead log;
  const SharedCount steps;
  Mischief mischief;
  mischief.at_step = [&steps] {
    if (steps.next() == 10) ::_exit(7);
  };
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), with_workers(2));
  REQUIRE(train(trainer, 3) == 1);
  REQUIRE_THAT(log.text(), Catch::Contains("ended with exit code 7; started again"));
}

TEST_CASE("a replacement that dies at once is replaced as well", "[forks]") {
  const LogOfLead log;
  const SharedCount made;
  const EnvironmentFactory environment = [&made] {
    // The first is made for its spec, the next two by the workers.
    const auto number = made.next();
    if (number == 4 || number == 5) ::kill(::getpid(), SIGKILL);
    return std::make_unique<genkidama::test::ChainEnvironment>();
  };
  CoreOrchestrator trainer(environment, thesis_network(), with_workers(2));
  REQUIRE(train(trainer, 1) == 0);
  ::kill(trainer.worker_pids()[1], SIGKILL);
  REQUIRE(train(trainer, 5) == 3);
  REQUIRE(made.value() == 6);
}

TEST_CASE("a worker killed while it starts is replaced before the trainer is ready", "[forks]") {
  const LogOfLead log;
  const SharedCount made;
  const EnvironmentFactory environment = [&made] {
    if (made.next() == 2) ::kill(::getpid(), SIGKILL);
    return std::make_unique<genkidama::test::ChainEnvironment>();
  };
  CoreOrchestrator trainer(environment, thesis_network(), with_workers(2));
  REQUIRE(trainer.worker_restarts() == 1);
  REQUIRE(train(trainer, 3) == 1);
}

TEST_CASE("workers killed while they wait at the barrier are replaced, one or all of them", "[forks]") {
  const LogOfLead log;
  CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(4));
  REQUIRE(train(trainer, 2) == 0);
  ::kill(trainer.worker_pids()[2], SIGKILL);
  REQUIRE(train(trainer, 2) == 1);
  const auto before = trainer.worker_pids();
  for (const int pid : before) ::kill(pid, SIGKILL);
  REQUIRE(train(trainer, 2) == 4);
  const auto after = trainer.worker_pids();
  for (std::size_t i = 0; i < before.size(); ++i) REQUIRE(before[i] != after[i]);
  // Twice in a row, with no round between that anybody could have used.
  for (const int pid : trainer.worker_pids()) ::kill(pid, SIGKILL);
  REQUIRE(train(trainer, 1) == 4);
}

TEST_CASE("a worker killed in its sleep after it was released is replaced", "[forks]") {
  const LogOfLead log;
  CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(2));
  REQUIRE(train(trainer, 1) == 0);
  const int pid = trainer.worker_pids()[0];
  const int other = trainer.worker_pids()[1];
  ::kill(pid, SIGSTOP);
  REQUIRE(eventually([&] { return state_and_parent(pid).first == 'T'; }));
  ::kill(other, SIGKILL);
  // The other's replacement shows that the round was released; this one has not moved since.
  std::thread killer([&] {
    eventually([&] { return trainer.worker_pids()[1] != other; });
    ::kill(pid, SIGKILL);
  });
  const auto restarts = train(trainer, 2);
  killer.join();
  REQUIRE(restarts == 2);
}

TEST_CASE("a worker that stops is killed and replaced when it was silent for too long", "[forks]") {
  const LogOfLead log;
  const SharedCount steps;
  Mischief mischief;
  SECTION("by a signal") {
    mischief.at_step = [&steps] {
      if (steps.next() == 30) ::raise(SIGSTOP);
    };
  }
  SECTION("in a step that never ends") {
    mischief.at_step = [&steps] {
      while (steps.next() == 30) ::pause();
    };
  }
  auto options = with_workers(2);
  options.worker_timeout = kShortTimeout;
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), options);
  // On a busy machine an innocent one may be late too.
  REQUIRE(train(trainer, 10) >= 1);
  REQUIRE(steps.value() > 30);
  REQUIRE_THAT(log.text(), Catch::Contains("hung: no environment step and no gradient for") &&
                               Catch::Contains("started again"));
}

TEST_CASE("a worker that is merely slow is not treated as hung, however long its round takes", "[forks]") {
  const LogOfLead log;
  const SharedCount steps;
  Mischief mischief;
  auto options = with_workers(1);
  options.worker_timeout = kShortTimeout;
  options.hyperparameters.environments_per_worker = 4;
  // The board is slow: each of the first steps takes a tenth of what is allowed, so that the round takes
  // longer.
  mischief.at_step = [&steps] {
    if (steps.next() <= 12) std::this_thread::sleep_for(kShortTimeout / 10);
  };
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), options);
  REQUIRE(trainer.train_round().steps_in_round >= 12);
  REQUIRE(trainer.worker_restarts() == 0);
}

TEST_CASE("a worker stopped at the barrier is replaced when it does not come back", "[forks]") {
  const LogOfLead log;
  auto options = with_workers(2);
  options.worker_timeout = kShortTimeout;
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options);
  const int pid = trainer.worker_pids()[1];
  ::kill(pid, SIGSTOP);
  REQUIRE(train(trainer, 2) >= 1);
  REQUIRE(trainer.worker_pids()[1] != pid);
  REQUIRE((::kill(pid, 0) == -1 && errno == ESRCH));
}

TEST_CASE("a long evaluation hangs only when an episode of it does", "[forks]") {
  const LogOfLead log;
  const SharedCount resets;
  Mischief mischief;
  mischief.at_reset = [&resets] {
    if (resets.next() == 150) ::raise(SIGSTOP);
  };
  auto options = with_workers(2);
  options.worker_timeout = kShortTimeout;
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), options);
  const EvaluationRequest request{300, 5, false};
  require_same(trainer.evaluate(request), evaluation_without_accidents(chain_factory(), request));
  REQUIRE(trainer.worker_restarts() >= 1);
}

TEST_CASE("an evaluation gives the same results however many workers die over it", "[forks]") {
  const LogOfLead log;
  for (const int workers : {1, 3}) {
    const SharedCount resets;
    const SharedCount steps;
    Mischief mischief;
    mischief.at_reset = [&] {
      if (resets.next() % 40 == 0) ::kill(::getpid(), SIGKILL);
    };
    mischief.at_step = [&] {
      if (steps.next() % 400 == 0) ::kill(::getpid(), SIGKILL);
    };
    CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), with_workers(workers));
    const EvaluationRequest request{300, 5, false};
    const auto expected = evaluation_without_accidents(chain_factory(), request);
    require_same(trainer.evaluate(request), expected);
    REQUIRE(trainer.worker_restarts() >= 7);
    require_same(trainer.evaluate(request), expected);
    // Training goes on, and its report tells of all of them.
    const auto restarts = trainer.worker_restarts();
    REQUIRE(train(trainer, 1) >= restarts);
  }
}

TEST_CASE("more crashes in a minute than are allowed end the training with the reason", "[forks]") {
  const LogOfLead log;
  Mischief mischief;
  mischief.at_step = [] { ::kill(::getpid(), SIGKILL); };
  auto options = with_workers(2);
  options.max_crashes_per_minute = 3;
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), options);
  REQUIRE_THROWS_WITH(trainer.train_round(),
                      Catch::Contains("was killed by signal 9 (Killed)") &&
                          Catch::Contains("4 workers died or hung within a minute, and 3 are allowed") &&
                          Catch::Contains("the weights are kept"));
  REQUIRE(trainer.worker_restarts() == 3);
  require_sound(trainer);
  REQUIRE_THROWS_AS(trainer.train_round(), WorkerError);
  REQUIRE_THAT(trainer.failure(), Catch::Contains("and 3 are allowed") && !Catch::Contains("kept"));
}

TEST_CASE("a replacement finds what the first worker found, whatever the lead has done since", "[forks]") {
  const LogOfLead log;
  std::mutex of_lead;
  Mischief mischief;
  mischief.at_step = [&of_lead] { const std::lock_guard lock(of_lead); };
  CoreOrchestrator trainer(chain_factory(mischief), thesis_network(), with_workers(2));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  // A fork of this process would inherit the lock and the descriptor.
  std::atomic<bool> done{false};
  std::atomic<bool> locked{false};
  std::thread holder([&] {
    const std::lock_guard lock(of_lead);
    locked = true;
    while (!done) std::this_thread::sleep_for(Milliseconds{1});
  });
  REQUIRE(eventually([&] { return locked.load(); }));
  for (const int pid : trainer.worker_pids()) ::kill(pid, SIGKILL);
  const auto restarts = train(trainer, 3);
  done = true;
  holder.join();
  REQUIRE(restarts == 2);
  ::close(ends[1]);
  char byte = 0;
  REQUIRE(::read(ends[0], &byte, 1) == 0);  // ctest's own timeout bounds this wait
  ::close(ends[0]);
}

TEST_CASE("workers killed again and again at any moment never stop the rounds", "[forks]") {
  const LogOfLead log;
  constexpr int kKills = 100, kWorkers = 4;
  auto options = with_workers(kWorkers);
  options.replay_capacity = 64;
  options.hyperparameters.environments_per_worker = 1;
  std::vector<int> last;
  {
    CoreOrchestrator trainer(make_cart_pole, thesis_network(), options);
    train(trainer, 2);
    const auto descriptors = open_descriptors();
    std::atomic<bool> done{false};
    std::atomic<int> missing{0};
    std::thread killer([&] {
      Random random(1);
      for (int i = 0; i < kKills; ++i) {
        const auto victim = static_cast<std::size_t>(random.below(kWorkers));
        const int pid = trainer.worker_pids()[victim];
        if (::kill(pid, SIGKILL) != 0) ++missing;
        // Some while the last one's replacement is still starting.
        if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random.below(3000)));
        if (!eventually([&] { return trainer.worker_pids()[victim] != pid; })) ++missing;
      }
      done = true;
    });
    std::uint64_t restarts = 0;
    while (!done) restarts += train(trainer, 1);
    killer.join();
    restarts += train(trainer, 1);
    REQUIRE(missing == 0);
    REQUIRE(restarts == kKills);
    REQUIRE(trainer.worker_restarts() == kKills);
    REQUIRE(open_descriptors() == descriptors);

    // No zombie, and nobody beside the workers and the process that starts them.
    last = trainer.worker_pids();
    const pid_t nursery = state_and_parent(last[0]).second;
    auto present = children_of(nursery);
    std::sort(present.begin(), present.end());
    auto expected = last;
    std::sort(expected.begin(), expected.end());
    REQUIRE(std::vector<int>(present.begin(), present.end()) == expected);
    REQUIRE(state_and_parent(nursery).second == ::getpid());
    last.push_back(nursery);

    const ReplayBuffer& buffer = *trainer.replay_buffer();
    for (int worker = 0; worker < kWorkers; ++worker) {
      REQUIRE(buffer.size(worker) == 64);
      REQUIRE(buffer.in_time_order(worker, 64).size() == 64);
    }
  }
  for (const int pid : last) REQUIRE((::kill(pid, 0) == -1 && errno == ESRCH));
  REQUIRE(::waitpid(-1, nullptr, WNOHANG) == -1);
  REQUIRE(errno == ECHILD);
}

TEST_CASE("the end of the process that starts workers ends the training with the reason", "[forks]") {
  CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(2));
  train(trainer, 1);
  const auto pids = trainer.worker_pids();
  const pid_t nursery = state_and_parent(pids[0]).second;
  REQUIRE(nursery != ::getpid());
  ::kill(nursery, SIGKILL);
  REQUIRE_THROWS_WITH(
      [&] {
        for (;;) trainer.train_round();
      }(),
      Catch::Contains("the process that starts the workers (pid " + std::to_string(nursery) +
                      ") was killed by signal 9"));
  require_sound(trainer);
  // Whoever inherits them reaps them.
  for (const int pid : pids) {
    REQUIRE(eventually([pid] {
      const char state = state_and_parent(pid).first;
      return state == 'x' || state == 'Z';
    }));
  }
}
