#include <utility>

#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/commands/link_options.h"
#include "cli/commands/run_pages.h"
#include "cli/terminal/run_display.h"
#include "genkidama/run/loopback_peers.h"
#include "genkidama/run/peer_run.h"
#include "genkidama/run/stop_signal.h"

namespace genkidama::cli {

int run_peer(Job job) {
  prepare_run_directory(job);
  begin_log(job);
  RunDisplay display;
  run::PeerStart start(job.settings.plumbing.ready_fd, [] { return run::stop_signal() != 0; });
  const auto trainer = make_trainer(job, job.settings.learning.workers,
                                    [&display](const RoundProgress& round) { display.on_round(round); });
  const RunPages pages = open_pages(job, trainer.get());
  run::RunObservers observers = observers_of({&display, &start, pages.metrics.get(), pages.live.get()});
  PeerOptions options = peer_options(job.settings);
  options.await_start = [&start, first = options.first_neighbours] { return start.await(first); };
  run::PeerRun run(*trainer, run_options(job, trainer->environment_spec().name), std::move(options),
                   &observers);
  tell_start(job, *trainer);
  warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset),
                       trainer->environment_spec());
  return exit_code_of(run.run());
}

}  // namespace genkidama::cli
