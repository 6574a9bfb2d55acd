#include "cli/commands/commands.h"
#include "cli/terminal/progress.h"
#include "run/parent_run.h"
#include "run/trainer_run.h"

namespace genkidama::cli {

int run_parent(Job job) {
  prepare_run_directory(job);
  log_above_live_line();
  // The workers know the network and evaluate; they are forked before the Parent's thread exists.
  const auto evaluator = make_trainer(job, job.settings.eval_workers);
  return ParentRun(job, *evaluator).run();
}

}  // namespace genkidama::cli
