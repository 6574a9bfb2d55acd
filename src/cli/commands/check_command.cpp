#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

#include "cli/commands/commands.h"
#include "cli/options/settings_check.h"
#include "cli/terminal/output.h"
#include "genkidama/core/clock.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/nn/check_gradients.h"
#include "genkidama/nn/free_outputs.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/run/stop_signal.h"

namespace genkidama::cli {
namespace {

/// Ends the process when a signal asks for it: the library's checks do not look, and there is nothing to
/// keep.
class EndBySignal {
 public:
  EndBySignal()
      : thread_([this] {
          while (!done_.load()) {
            if (run::stop_signal() != 0) _exit(128 + run::stop_signal());
            std::this_thread::sleep_for(Milliseconds(50));
          }
        }) {}
  ~EndBySignal() {
    done_.store(true);
    thread_.join();
  }
  EndBySignal(const EndBySignal&) = delete;
  EndBySignal& operator=(const EndBySignal&) = delete;

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
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

}  // namespace

int run_check(Job job) {
  const EndBySignal end_by_signal;
  EnvironmentCheckOptions options;
  options.episodes = job.settings.evaluate.episodes;
  options.seed = job.settings.learning.seed;
  options.try_invalid_actions = job.settings.check.try_invalid_actions;
  const EnvironmentReport report = check_environment(environment_of(job), options);
  print_text(to_text(report));
  const auto errors = static_cast<std::size_t>(std::count_if(
      report.findings.begin(), report.findings.end(), [](const auto& finding) { return finding.is_error; }));
  const std::string warnings = counted(report.findings.size() - errors, "warning");
  if (errors > 0) {
    print("FAILED: the environment has {} and {}.\n", counted(errors, "error"), warnings);
    return 1;
  }
  const GradientReport gradients = check_network(job, report.spec);
  if (!gradients.ok()) {
    print("{}FAILED: the network of preset {} is wrong; the environment has no errors and {}.\n",
          to_text(gradients), job.settings.preset, warnings);
    return 1;
  }
  print("network      preset {}, the gradients of {} agree with finite differences\n", job.settings.preset,
        counted(gradients.tensors.size(), "tensor"));
  print("OK: no errors and {}.\n", warnings);
  return 0;
}

}  // namespace genkidama::cli
