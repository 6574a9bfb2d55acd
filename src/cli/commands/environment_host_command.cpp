#include "cli/commands/commands.h"
#include "cli/commands/link_options.h"
#include "genkidama/core/log.h"
#include "genkidama/run/stop_signal.h"

namespace genkidama::cli {

int run_environment_host(Job job) {
  EnvironmentHost host(environment_host_options(job.settings), environment_of(job));
  EnvironmentHostProgress progress;
  const std::string reason = host.run([&progress](const EnvironmentHostProgress& now) {
    progress = now;
    return run::stop_signal() == 0;
  });
  log(LogLevel::kInfo, "{}: ends after {} steps and {} episodes: {}", job.settings.links.name, progress.steps,
      progress.resets, reason);
  return run::stop_signal() == 0 ? 0 : 128 + run::stop_signal();
}

}  // namespace genkidama::cli
