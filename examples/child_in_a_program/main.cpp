// A Child inside a program that has threads and a user interface of its own: training goes on beside it, and
// the user asks how it is going, or ends it. Start a Parent first, for instance `cart_pole parent --listen
// 127.0.0.1:7000`.
#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>

#include "genkidama/env/cart_pole.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/child_run.h"
#include "genkidama/run/preset.h"

namespace {

// The run calls it on its own thread; the user interface asks it on another.
class Status : public genkidama::run::RunObserver {
 public:
  void on_update(const genkidama::run::UpdateEvent& event) override {
    const std::lock_guard lock(mutex_);
    text_ = fmt::format("{} updates, {} exchanges, mean return {:.1f}", event.totals.updates,
                        event.totals.exchanges, event.progress.mean_return.value_or(0));
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_ = "nothing learnt yet";
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    fmt::print("usage: child_in_a_program PARENT:PORT RUN_DIRECTORY\n");
    return 2;
  }
  std::atomic<bool> quit{false};
  const auto preset = genkidama::run::tuned_preset();
  genkidama::OrchestratorOptions machine;
  genkidama::run::apply(preset, machine);
  machine.workers = 1;
  machine.cut_round = [&quit] { return quit.load(); };  // so that the end need not wait for a long round
  // The trainer forks its workers, so it comes before every thread of the program.
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, preset.network, machine);

  genkidama::run::RunOptions options;
  options.directory = argv[2];
  options.resume = genkidama::run::Resume::kIfPossible;
  options.end_reason = [&quit] { return std::string(quit ? "user" : ""); };
  genkidama::ChildOptions child;
  child.connect = genkidama::Endpoint::parse(argv[1]);
  child.name = "child_in_a_program";
  genkidama::run::apply(preset, child);
  Status status;
  genkidama::run::ChildRun run(trainer, options, child, &status);

  int exit_code = 0;
  std::thread training([&] {
    try {
      const auto summary = run.run();
      fmt::print("the run ended by {} after {} updates\n", summary.ended_by, summary.totals.updates);
    } catch (const std::exception& error) {
      fmt::print("the run failed: {}\n", error.what());
      exit_code = 1;
    }
  });

  fmt::print("type 'status' or 'quit'\n");
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    if (line == "status") fmt::print("{}\n", status.text());
  }
  quit = true;
  training.join();
  return exit_code;
} catch (const std::exception& error) {
  fmt::print(stderr, "child_in_a_program: {}\n", error.what());
  return 1;
}
