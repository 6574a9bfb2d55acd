#include "cli/commands/commands.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/run_display.h"
#include "genkidama/run/trainer_run.h"

namespace genkidama::cli {

int run_train(Job job) {
  prepare_run_directory(job);
  log_above_live_line();
  RunDisplay display;
  const auto trainer = make_trainer(job, job.settings.learning.workers,
                                    [&display](const RoundProgress& round) { display.on_round(round); });
  run::TrainerRun run(*trainer, run_options(job, trainer->environment_spec().name), &display);
  tell_start(job, *trainer);
  warn_of_idle_options(job, trainer->environment_spec());
  while (run.advance()) {
  }
  return exit_code_of(run.finish());
}

}  // namespace genkidama::cli
