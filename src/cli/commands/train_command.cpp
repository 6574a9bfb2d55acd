#include <exception>

#include "cli/commands/commands.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/run_display.h"
#include "run/trainer_run.h"

namespace genkidama::cli {

int run_train(Job job) {
  prepare_run_directory(job);
  log_above_live_line();
  RunDisplay display;
  const auto trainer = make_trainer(job, job.settings.learning.workers,
                                    [&display](const RoundProgress& round) { display.on_round(round); });
  run::TrainerRun run(run_options(job, trainer->environment_spec().name), *trainer, display);
  tell_start(job, *trainer);
  try {
    try {
      run.begin();
      while (!run.ended_by()) run.record(trainer->train_round());
    } catch (const StoppedError&) {
      run.give_up();
    }
    return exit_code_of(run.finish(*run.ended_by(), {{"workers", trainer->workers()}}));
  } catch (const std::exception&) {
    display.close();
    run.fail();
  }
}

}  // namespace genkidama::cli
