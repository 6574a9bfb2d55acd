#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/commands/link_options.h"
#include "cli/commands/run_pages.h"
#include "cli/terminal/run_display.h"
#include "genkidama/run/child_run.h"

namespace genkidama::cli {

int run_child(Job job) {
  prepare_run_directory(job);
  begin_log(job);
  RunDisplay display;
  const auto trainer = make_trainer(job, job.settings.learning.workers,
                                    [&display](const RoundProgress& round) { display.on_round(round); });
  const RunPages pages = open_pages(job, trainer.get());
  run::RunObservers observers = observers_of({&display, pages.metrics.get(), pages.live.get()});
  run::ChildRun run(*trainer, run_options(job, trainer->environment_spec().name), child_options(job.settings),
                    &observers);
  tell_start(job, *trainer);
  warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset),
                       trainer->environment_spec());
  return exit_code_of(run.run());
}

}  // namespace genkidama::cli
