#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/commands/link_options.h"
#include "cli/commands/run_pages.h"
#include "cli/terminal/run_display.h"
#include "genkidama/run/learner_run.h"
#include "genkidama/run/loopback_cluster.h"

namespace genkidama::cli {

int run_learner(Job job) {
  prepare_run_directory(job);
  begin_log(job);
  RunDisplay display;
  // The processes that learn and evaluate are forked before the thread of the sockets exists.
  const auto trainer = make_trainer(job, job.settings.cluster.eval_workers,
                                    [&display](const RoundProgress& round) { display.on_round(round); });
  run::PortTeller port(member_of(job));
  const RunPages pages = open_pages(job, trainer.get());
  run::RunObservers observers = observers_of({&display, &port, pages.metrics.get(), pages.live.get()});
  run::LearnerRun run(*trainer, run_options(job, trainer->environment_spec().name), parent_options(job),
                      &observers);
  tell_start(job, *trainer);
  warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset),
                       trainer->environment_spec());
  return exit_code_of(run.run());
}

}  // namespace genkidama::cli
