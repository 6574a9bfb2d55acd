#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/commands/link_options.h"
#include "cli/commands/metrics_page.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/run_display.h"
#include "genkidama/run/child_run.h"

namespace genkidama::cli {

int run_child(Job job) {
  prepare_run_directory(job);
  log_above_live_line();
  RunDisplay display;
  const auto trainer = make_trainer(job, job.settings.learning.workers,
                                    [&display](const RoundProgress& round) { display.on_round(round); });
  const auto page = open_metrics_page(job);
  run::RunObservers observers = observers_of({&display, page.get()});
  run::ChildRun run(*trainer, run_options(job, trainer->environment_spec().name), child_options(job.settings),
                    &observers);
  tell_start(job, *trainer);
  warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset),
                       trainer->environment_spec());
  return exit_code_of(run.run());
}

}  // namespace genkidama::cli
