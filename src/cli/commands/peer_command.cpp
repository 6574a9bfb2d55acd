#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/commands/link_options.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/run_display.h"
#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/peer_run.h"

namespace genkidama::cli {

int run_peer(Job job) {
  prepare_run_directory(job);
  log_above_live_line();
  RunDisplay display;
  run::PortTeller port(member_of(job));
  run::RunObservers observers({&display, &port});
  const auto trainer = make_trainer(job, job.settings.learning.workers,
                                    [&display](const RoundProgress& round) { display.on_round(round); });
  run::PeerRun run(*trainer, run_options(job, trainer->environment_spec().name), peer_options(job.settings),
                   &observers);
  tell_start(job, *trainer);
  warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset),
                       trainer->environment_spec());
  return exit_code_of(run.run());
}

}  // namespace genkidama::cli
