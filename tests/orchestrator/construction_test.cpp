// How a CoreOrchestrator is made, and what is said when that fails.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/fork_rule.h"
#include "orchestrator/process_probes.h"
#include "support/catch.h"
#include "support/chain_environment.h"
#include "support/child_process.h"
#include "support/eventually.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

OrchestratorOptions with_workers(int workers, WorkerMode mode = WorkerMode::kProcesses) {
  OrchestratorOptions options;
  options.workers = workers;
  options.mode = mode;
  return options;
}

std::string error_of(const EnvironmentFactory& environment, const OrchestratorOptions& options) {
  try {
    CoreOrchestrator trainer(environment, thesis_network(), options);
    trainer.train_round();
  } catch (const WorkerError& error) {
    return error.what();
  }
  return "no error";
}

/// Without the report of a failed test that Catch2's handler would print.
void die_of(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

/// A thread that holds a lock as long as this lives.
class LockHolder {
 public:
  explicit LockHolder(std::mutex& mutex) {
    thread_ = std::thread([this, &mutex] {
      const std::lock_guard lock(mutex);
      locked_ = true;
      while (!done_) std::this_thread::sleep_for(Milliseconds{1});
    });
    while (!locked_) std::this_thread::yield();
  }
  ~LockHolder() {
    done_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> locked_{false}, done_{false};
  std::thread thread_;
};

EnvironmentFactory factory_that_locks(std::mutex& mutex) {
  return [&mutex] {
    const std::lock_guard lock(mutex);
    return std::make_unique<ChainEnvironment>();
  };
}

/// Everything that was made, by (purpose, worker, index); a place for each.
class Made {
 public:
  void note(const EnvironmentContext& context) const {
    const auto place = static_cast<std::size_t>(context.purpose) * 100 +
                       static_cast<std::size_t>(context.worker) * 10 +
                       static_cast<std::size_t>(context.index);
    counts_[place].fetch_add(1);
  }
  int count(EnvironmentPurpose purpose, int worker, int index) const {
    return counts_[static_cast<std::size_t>(purpose) * 100 + static_cast<std::size_t>(worker * 10 + index)];
  }
  int total() const {
    int sum = 0;
    for (const auto& count : counts_.span()) sum += count;
    return sum;
  }
  EnvironmentFactory factory() const {
    return [this](const EnvironmentContext& context) {
      note(context);
      return std::make_unique<ChainEnvironment>();
    };
  }

 private:
  SharedArray<std::atomic<int>> counts_{300, "a test"};
};

/// Ends every episode at once. Its actions are what they are said to be.
class Unsound : public Environment {
 public:
  explicit Unsound(const ActionSpace& actions) {
    spec_.name = "Unsound";
    spec_.observation_size = 1;
    spec_.time_limit = 5;
    spec_.action_space = actions;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override { return observation_; }
  StepResult step(Action) override { return {observation_, 1.0f, true, false}; }

 private:
  EnvironmentSpec spec_;
  std::vector<float> observation_{1.0f};
};

}  // namespace

TEST_CASE("a trainer that only describes starts no worker and opens no environment but one", "[forks]") {
  for (const bool given : {false, true}) {
    for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
      CAPTURE(given);
      const Made made;
      auto options = with_workers(3, mode);
      options.describe_only = true;
      if (given) options.environment_spec = ChainEnvironment().spec();
      CoreOrchestrator trainer(made.factory(), thesis_network(), options);
      REQUIRE(made.count(EnvironmentPurpose::kDescribe, 0, 0) == (given ? 0 : 1));
      REQUIRE(made.total() == (given ? 0 : 1));
      REQUIRE(trainer.workers() == 0);
      REQUIRE(trainer.worker_pids().empty());
      REQUIRE(trainer.worker_restarts() == 0);
      REQUIRE(trainer.environment_spec().name == "Chain");
      // The weights are those that a trainer with workers begins with.
      CoreOrchestrator with(chain_factory(), thesis_network(), with_workers(1, WorkerMode::kThreads));
      REQUIRE(trainer.layout() == with.layout());
      std::vector<float> weights(trainer.layout().size()), expected(weights.size());
      trainer.read_weights(weights);
      with.read_weights(expected);
      REQUIRE(weights == expected);
      REQUIRE_THROWS_WITH(trainer.train_round(), Catch::Contains("describe_only"));
      REQUIRE_THROWS_AS(trainer.evaluate({}), ArgumentError);
      REQUIRE(trainer.failure().empty());
    }
  }
}

TEST_CASE("what does not fit is an ArgumentError that names the environment, in both modes", "[forks]") {
  const auto refusal_of = [](const EnvironmentFactory& environment, const NetworkFactory& network,
                             const Hyperparameters& hyperparameters = {}) {
    std::vector<std::string> texts;
    for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
      auto options = with_workers(1, mode);
      options.hyperparameters = hyperparameters;
      try {
        CoreOrchestrator(environment, network, options);
      } catch (const ArgumentError& error) {
        texts.emplace_back(error.what());
      }
    }
    REQUIRE(texts.size() == 2);
    REQUIRE(texts[0] == texts[1]);
    return texts[0];
  };
  const auto with_actions = [](const ActionSpace& space) -> EnvironmentFactory {
    return [space] { return std::make_unique<Unsound>(space); };
  };
  REQUIRE_THAT(refusal_of(with_actions({.choices = {}, .low = {1}, .high = {-1}}), mlp_network()),
               Catch::Contains("environment 'Unsound': spec().action_space"));
  REQUIRE_THAT(refusal_of(with_actions({}), mlp_network()),
               Catch::Contains("environment 'Unsound': spec().action_count is 0"));
  const float infinite = std::numeric_limits<float>::infinity();
  Hyperparameters squashing;
  squashing.action_bounds = ActionBounds::kTanh;
  REQUIRE_THAT(refusal_of(with_actions({.choices = {}, .low = {-infinite}, .high = {infinite}}),
                          mlp_network(), squashing),
               Catch::Contains("environment 'Unsound': component 0 of the action has the bounds") &&
                   Catch::Contains("action_bounds"));
  REQUIRE_THAT(refusal_of(chain_factory(), mlp_network({{1'000'000, 1'000'000}})),
               Catch::Contains("environment 'Chain': the network 'mlp 1000000 1000000 tanh' is too large"));
}

TEST_CASE("a constructor that throws is told with the place, and a worker's with the environment",
          "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    const auto throwing = [](EnvironmentPurpose when) -> EnvironmentFactory {
      return [when](const EnvironmentContext& context) -> std::unique_ptr<Environment> {
        if (context.purpose == when) throw std::runtime_error("no such level file");
        return std::make_unique<ChainEnvironment>();
      };
    };
    REQUIRE_THAT(
        error_of(throwing(EnvironmentPurpose::kDescribe), with_workers(1, mode)),
        Catch::Contains("the environment's factory or constructor threw an exception: no such level"));
    REQUIRE_THAT(
        error_of(throwing(EnvironmentPurpose::kTrain), with_workers(2, mode)),
        Catch::Contains("of 2 failed: the factory or the constructor of environment 'Chain' threw an "
                        "exception: no such level file") &&
            !Catch::Contains("training stopped"));
  }
}

TEST_CASE("spaces that change from one environment to the next are told with its name", "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    const auto changing = [](const ActionSpace& later) -> EnvironmentFactory {
      return [later](const EnvironmentContext& context) {
        const bool first = context.purpose == EnvironmentPurpose::kDescribe;
        return std::make_unique<Unsound>(first ? ActionSpace{.choices = {2}, .low = {}, .high = {}} : later);
      };
    };
    REQUIRE_THAT(error_of(changing({.choices = {3}, .low = {}, .high = {}}), with_workers(1, mode)),
                 Catch::Contains("environment 'Unsound' has 1 observation values, one of 3 choices") &&
                     Catch::Contains(
                         "the first one that the factory made had 1 observation values, one of 2 choices"));
    CoreOrchestrator same(changing({.choices = {2}, .low = {}, .high = {}}), mlp_network(),
                          with_workers(1, mode));
    REQUIRE(same.train_round().episodes.size() == 1);
  }
}

TEST_CASE("threads at the construction earn a warning that names the rule, and only then", "[forks]") {
  const LogOfLead log;
  { CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(1)); }
  REQUIRE(log.text().empty());
  std::mutex mutex;
  const LockHolder holder(mutex);
  {
    const NoLockIsHeld known;
    CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(1));
  }
  REQUIRE(log.text().empty());
  { CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(1)); }
  REQUIRE_THAT(log.text(), Catch::Contains("a process with 2 threads") &&
                               Catch::Contains("before any thread is started"));
}

TEST_CASE("threads are no matter where the workers are threads") {
  const LogOfLead log;
  std::mutex mutex;
  const LockHolder holder(mutex);
  CoreOrchestrator trainer(chain_factory(), thesis_network(), with_workers(1, WorkerMode::kThreads));
  REQUIRE(log.text().empty());
}

TEST_CASE("a lock that a thread holds at the fork ends the construction with the likely cause", "[forks]") {
  const LogOfLead log;
  std::mutex mutex;
  const LockHolder holder(mutex);
  auto options = with_workers(2);
  options.construction_timeout = Milliseconds{200};
  SECTION("in the process that describes the environment") {}
  SECTION("in the workers") {
    options.environment_spec = ChainEnvironment().spec();
  }
  const auto error = error_of(factory_that_locks(mutex), options);
  REQUIRE_THAT(error, Catch::Contains("threads that held locks when the process was forked") &&
                          Catch::Contains("2 threads"));
}

TEST_CASE("a set-up that is just slow is told from one that hangs on a lock", "[forks]") {
  const LogOfLead log;
  auto options = with_workers(1);
  options.construction_timeout = Milliseconds{100};
  const auto error = error_of(
      []() -> std::unique_ptr<Environment> {
        ::pause();
        return nullptr;
      },
      options);
  REQUIRE_THAT(error, Catch::Contains("0.1 s") && Catch::Contains("construction_timeout") &&
                          !Catch::Contains("locks"));
  options.construction_timeout = Milliseconds{0};
  REQUIRE_THROWS_AS(CoreOrchestrator(chain_factory(), thesis_network(), options), ArgumentError);
}

TEST_CASE("a crash is told with the environment, what it did, and the signal", "[forks]") {
  const LogOfLead log;
  auto options = with_workers(1);
  options.max_crashes_per_minute = 1;
  Mischief mischief;
  const auto crash = [] { die_of(SIGSEGV); };
  SECTION("in the constructor, before the name is known") {
    const auto error = error_of(
        []() -> std::unique_ptr<Environment> {
          die_of(SIGSEGV);
          return nullptr;
        },
        options);
    REQUIRE_THAT(error, Catch::Contains("signal 11 (Segmentation fault)") &&
                            Catch::Contains("while the environment was being made"));
    REQUIRE_THAT(error, !Catch::Contains("network died"));
  }
  SECTION("in a worker's constructor") {
    options.environment_spec = ChainEnvironment().spec();
    const auto error = error_of(
        []() -> std::unique_ptr<Environment> {
          die_of(SIGABRT);
          return nullptr;
        },
        options);
    REQUIRE_THAT(error, Catch::Contains("signal 6 (Aborted) while it made environment 'Chain'"));
  }
  SECTION("in reset()") {
    mischief.at_reset = crash;
    REQUIRE_THAT(error_of(chain_factory(mischief), options),
                 Catch::Contains("signal 11 (Segmentation fault) in reset() of environment 'Chain'"));
  }
  SECTION("in step()") {
    mischief.at_step = crash;
    REQUIRE_THAT(error_of(chain_factory(mischief), options),
                 Catch::Contains("signal 11 (Segmentation fault) in step() of environment 'Chain'"));
  }
  SECTION("in the network's factory") {
    const NetworkFactory network = [](const NetworkSpec&, std::uint64_t) -> std::unique_ptr<Network> {
      die_of(SIGSEGV);
      return nullptr;
    };
    REQUIRE_THROWS_WITH(
        CoreOrchestrator(chain_factory(), network, options),
        Catch::Contains("signal 11") && Catch::Contains("the network for environment 'Chain'"));
  }
  SECTION("an exit is told too") {
    const auto error = error_of(
        []() -> std::unique_ptr<Environment> {
          ::_exit(3);
          return nullptr;
        },
        options);
    REQUIRE_THAT(error, Catch::Contains("ended with exit code 3 while the environment was being made"));
  }
}

TEST_CASE("the factory is told which environment it makes and what for", "[forks]") {
  const Made made;
  auto options = with_workers(2);
  options.hyperparameters.environments_per_worker = 3;
  SECTION("to train") {
    CoreOrchestrator trainer(made.factory(), thesis_network(), options);
    REQUIRE(made.count(EnvironmentPurpose::kDescribe, 0, 0) == 1);
    for (int worker = 0; worker < 2; ++worker) {
      for (int i = 0; i < 3; ++i) REQUIRE(made.count(EnvironmentPurpose::kTrain, worker, i) == 1);
    }
    REQUIRE(made.total() == 7);
  }
  SECTION("to evaluate") {
    options.purpose = EnvironmentPurpose::kEvaluate;
    CoreOrchestrator trainer(made.factory(), thesis_network(), options);
    REQUIRE(made.count(EnvironmentPurpose::kEvaluate, 1, 2) == 1);
    REQUIRE(made.total() == 7);
  }
  SECTION("with a spec nothing is made for its description") {
    options.environment_spec = ChainEnvironment().spec();
    CoreOrchestrator trainer(made.factory(), thesis_network(), options);
    REQUIRE(made.count(EnvironmentPurpose::kDescribe, 0, 0) == 0);
    REQUIRE(made.total() == 6);
    REQUIRE(trainer.environment_spec().name == "Chain");
    REQUIRE(trainer.train_round().episodes.size() == 6);
  }
}

TEST_CASE("a worker that replaces another is told the same number", "[forks]") {
  const LogOfLead log;
  const Made made;
  auto options = with_workers(2);
  CoreOrchestrator trainer(made.factory(), thesis_network(), options);
  ::kill(trainer.worker_pids()[1], SIGKILL);
  REQUIRE(eventually([&] {
    trainer.train_round();
    return trainer.worker_restarts() == 1;
  }));
  REQUIRE(made.count(EnvironmentPurpose::kTrain, 1, 0) == 2);
}

TEST_CASE("a spec that is not the environment's is an error that names both") {
  auto options = with_workers(1, WorkerMode::kThreads);
  options.environment_spec = ChainEnvironment().spec();
  options.environment_spec->observation_size = 7;
  REQUIRE_THAT(error_of(chain_factory(), options),
               Catch::Contains("Chain") && Catch::Contains("3 observation") &&
                   Catch::Contains("environment_spec") && Catch::Contains("7"));
  options.environment_spec->observation_size = 0;
  REQUIRE_THROWS_WITH(CoreOrchestrator(chain_factory(), thesis_network(), options),
                      Catch::Contains("observation_size is 0"));
}

TEST_CASE("a trainer made in a thread that ends trains on, and its workers end with the process", "[forks]") {
  const LogOfLead log;
  auto trainer =
      std::async(std::launch::async, [] {
        return std::make_unique<CoreOrchestrator>(chain_factory(), thesis_network(), with_workers(2));
      }).get();
  const auto pids = trainer->worker_pids();
  for (int i = 0; i < 5; ++i) REQUIRE(trainer->train_round().episodes.size() == 2);
  REQUIRE(trainer->worker_restarts() == 0);
  // Another thread that ends after the first one.
  std::thread([&] { trainer->train_round(); }).join();
  REQUIRE(trainer->train_round().episodes.size() == 2);
  REQUIRE(trainer->worker_pids() == pids);
  ::kill(pids[0], SIGKILL);
  REQUIRE(eventually([&] {
    trainer->train_round();
    return trainer->worker_restarts() == 1;
  }));
  trainer.reset();
  for (const int pid : pids) REQUIRE((::kill(pid, 0) == -1 && errno == ESRCH));
}

TEST_CASE("a trainer made in a thread that ends leaves no process when its lead is killed", "[forks]") {
  SharedArray<std::atomic<int>> pids(3, "a test");
  ChildProcess lead([&] {
    set_log_sink([](LogLevel, std::string_view) {});
    auto trainer =
        std::async(std::launch::async, [] {
          return std::make_unique<CoreOrchestrator>(chain_factory(), thesis_network(), with_workers(2));
        }).get();
    trainer->train_round();
    const auto workers = trainer->worker_pids();
    pids[2] = state_and_parent(workers[0]).second;
    pids[1] = workers[1];
    pids[0] = workers[0];
    ::pause();
    return 0;
  });
  REQUIRE(eventually([&] { return pids[0] != 0; }));
  for (const auto& pid : pids.span()) REQUIRE(::kill(pid, 0) == 0);
  lead.kill(SIGKILL);
  REQUIRE(lead.wait() == "signal 9");
  for (const auto& pid : pids.span()) {
    REQUIRE(eventually([&] {
      const char state = state_and_parent(pid).first;
      return state == 'x' || state == 'Z';  // whoever inherits it reaps it
    }));
  }
}
