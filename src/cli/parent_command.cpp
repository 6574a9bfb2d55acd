#include "cli/commands.h"
#include "cli/parent_run.h"
#include "cli/progress.h"
#include "cli/stop_signal.h"
#include "cli/trainer_run.h"

namespace genkidama::cli {

int run_parent(Job job) {
  prepare_run_directory(job);
  catch_stop_signals();
  log_above_live_line();
  // The workers know the network and evaluate; they are forked before the Parent's thread exists.
  const auto evaluator = make_trainer(job, job.settings.eval_workers);
  return ParentRun(job, *evaluator).run();
}

}  // namespace genkidama::cli
