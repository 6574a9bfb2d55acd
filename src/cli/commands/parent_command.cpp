#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/commands/link_options.h"
#include "cli/commands/run_pages.h"
#include "cli/terminal/run_display.h"
#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/parent_run.h"

namespace genkidama::cli {

int run_parent(Job job) {
  prepare_run_directory(job);
  begin_log(job);
  // The workers know the network and evaluate; they are forked before the Parent's thread exists.
  const auto evaluator = make_trainer(job, job.settings.cluster.eval_workers);
  warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset),
                       evaluator->environment_spec());
  RunDisplay display;
  run::PortTeller port(member_of(job));
  const RunPages pages = open_pages(job, evaluator.get());
  run::RunObservers observers = observers_of({&display, &port, pages.metrics.get(), pages.live.get()});
  run::ParentRun run(*evaluator, run_options(job, evaluator->environment_spec().name), parent_options(job),
                     &observers, upper_options(job));
  return exit_code_of(run.run());
}

}  // namespace genkidama::cli
