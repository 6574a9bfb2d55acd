#include "cli/commands/commands.h"
#include "cli/commands/link_options.h"
#include "cli/commands/run_pages.h"
#include "genkidama/run/shard_run.h"

namespace genkidama::cli {

int run_shard(Job job) {
  prepare_run_directory(job);
  begin_log(job);
  // The process that describes the network is gone before the thread of the sockets exists.
  const auto described = make_trainer(job, 1);
  const RunPages pages = open_pages(job, nullptr);
  run::RunObservers observers = observers_of({pages.metrics.get(), pages.live.get()});
  run::ShardRun run(*described, run_options(job, described->environment_spec().name),
                    {shard_options(job.settings), job.program.optimizer, job.settings.links.metrics_seconds},
                    &observers);
  return exit_code_of(run.run());
}

}  // namespace genkidama::cli
