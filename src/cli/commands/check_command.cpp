#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "cli/commands/commands.h"
#include "cli/commands/guarded.h"
#include "cli/options/settings_check.h"
#include "cli/terminal/output.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/nn/check_gradients.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/run/stop_signal.h"
#include "run/process/spawned_process.h"

namespace genkidama::cli {
namespace {

constexpr int kFailed = 1;

/// What the process that checks was doing, for the one that waits for it.
class LastCall {
 public:
  void tell(std::string_view call) const {
    Place& place = places_[0];
    const std::size_t size = std::min(call.size(), sizeof place.text);
    std::copy_n(call.data(), size, place.text);
    place.size = size;
  }
  std::string text() const { return {places_[0].text, places_[0].size}; }
  void set_over() const { places_[0].over = true; }
  bool is_over() const { return places_[0].over; }

 private:
  struct Place {
    char text[256];
    std::size_t size;
    bool over;
  };
  mutable SharedArray<Place> places_{1, "what check is doing"};
};

std::string counted(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// The network that the preset would train in this environment.
GradientReport check_network(const Job& job, const EnvironmentSpec& environment) {
  const Hyperparameters hyperparameters = resolved_hyperparameters(job.settings);
  const auto algorithm =
      job.program.algorithm ? job.program.algorithm(hyperparameters) : make_algorithm(hyperparameters);
  const NetworkSpec spec = algorithm->network(environment);
  const auto network = make_network(network_of(job), spec, job.settings.learning.seed);
  GradientCheckOptions options;
  options.seed = job.settings.learning.seed;
  return check_gradients(*network, spec, options);
}

int check(const Job& job, const LastCall& last_call) {
  EnvironmentCheckOptions options;
  options.episodes = job.settings.evaluate.episodes;
  options.seed = job.settings.learning.seed;
  options.try_invalid_actions = job.settings.check.try_invalid_actions;
  options.before_call = [&last_call](std::string_view call) { last_call.tell(call); };
  const EnvironmentReport report = check_environment(environment_of(job), options);
  print_text(to_text(report));
  const auto errors = static_cast<std::size_t>(std::count_if(
      report.findings.begin(), report.findings.end(), [](const auto& finding) { return finding.is_error; }));
  const std::string warnings = counted(report.findings.size() - errors, "warning");
  if (errors > 0) {
    print("FAILED: the environment has {} and {}.\n", counted(errors, "error"), warnings);
    return kFailed;
  }
  last_call.tell("the check of the network's gradients");
  const GradientReport gradients = check_network(job, report.spec);
  if (!gradients.ok()) {
    print("{}FAILED: the network of preset {} is wrong; the environment has no errors and {}.\n",
          to_text(gradients), job.settings.preset, warnings);
    return kFailed;
  }
  print("network      preset {}, the gradients of {} agree with finite differences\n", job.settings.preset,
        counted(gradients.tensors.size(), "tensor"));
  print("OK: no errors and {}.\n", warnings);
  return 0;
}

}  // namespace

int run_check(Job job) {
  // An environment may crash, call exit() or never come back: it is checked in a process of its own.
  const LastCall last_call;
  run::SpawnedProcess::Options options;
  options.name = "check";
  options.body = [&job, &last_call] {
    const int exit_code = guarded([&] {
      const int found = check(job, last_call);
      finish_output();
      return found;
    });
    last_call.set_over();
    return exit_code;
  };
  run::SpawnedProcess process(std::move(options));
  while (process.running()) {
    if (run::stop_signal() != 0) {
      print_error(
          "check was stopped by a signal before it was over; it says nothing about the environment\n");
      return 128 + run::stop_signal();  // and the process is killed
    }
    run::pause_before_look();
  }
  if (last_call.is_over()) return process.exit_code();
  print(
      "FAILED: the process ended with {} in {}; expected code that comes back: it crashed, or called "
      "exit().\n",
      run::exit_text(process.exit_code()), last_call.text());
  return kFailed;
}

}  // namespace genkidama::cli
