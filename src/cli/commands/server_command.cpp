#include <cstdint>
#include <memory>

#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/commands/link_options.h"
#include "cli/commands/run_pages.h"
#include "cli/terminal/run_display.h"
#include "genkidama/core/log.h"
#include "genkidama/run/trainer_run.h"

namespace genkidama::cli {
namespace {

/// What hosts must offer. The process that describes the environment is gone when this returns.
EnvironmentSpec described_environment(const Job& job) {
  if (job.program.environment_spec) return *job.program.environment_spec;
  Job described = job;
  described.only_describes = true;
  return make_trainer(described, 1)->environment_spec();
}

void tell_what_hosts_did(const HostedEnvironments& environments, const std::string& name) {
  const HostedEnvironmentsStatus status = environments.status();
  log(LogLevel::kInfo,
      "{}: hosts played {} steps and began {} episodes; {} steps were lost; {} bytes came and {} went", name,
      status.steps, status.resets, status.lost_steps, status.bytes_received, status.bytes_sent);
}

}  // namespace

int run_server(Job job) {
  prepare_run_directory(job);
  begin_log(job);
  HostedEnvironments environments(hosted_environments_options(job.settings), described_environment(job));
  RunDisplay display;
  job.environment = environments.factory();
  const auto trainer = make_trainer(job, job.settings.learning.workers,
                                    [&display](const RoundProgress& round) { display.on_round(round); });
  const RunPages pages = open_pages(job, trainer.get());
  run::RunObservers observers = observers_of({&display, pages.metrics.get(), pages.live.get()});
  run::TrainerRun run(*trainer, run_options(job, trainer->environment_spec().name), &observers, nullptr,
                      &environments);
  // The workers have been forked.
  environments.start();
  for (const std::uint16_t port : environments.ports())
    log(LogLevel::kInfo, "{} listens on port {}", job.settings.links.name, port);
  tell_start(job, *trainer);
  warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset),
                       trainer->environment_spec());
  while (run.advance()) {
  }
  const int exit_code = exit_code_of(run.finish());
  environments.stop("the run is over");
  tell_what_hosts_did(environments, job.settings.links.name);
  return exit_code;
}

}  // namespace genkidama::cli
