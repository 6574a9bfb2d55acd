#include <exception>

#include "cli/commands/commands.h"
#include "cli/terminal/progress.h"
#include "run/trainer_run.h"

namespace genkidama::cli {

int run_train(Job job) {
  prepare_run_directory(job);
  log_above_live_line();
  const auto trainer = make_trainer(job, job.settings.workers);
  TrainerRun run(job, *trainer);
  try {
    try {
      run.begin();
      while (!run.ended_by()) run.record(trainer->train_round());
    } catch (const StoppedError&) {
      run.give_up();
    }
    return run.finish(*run.ended_by(), {{"workers", trainer->workers()}});
  } catch (const std::exception&) {
    run.fail();
  }
}

}  // namespace genkidama::cli
