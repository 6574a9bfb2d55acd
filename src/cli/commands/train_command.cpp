#include <fmt/format.h>

#include <memory>
#include <utility>

#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/commands/machine_group.h"
#include "cli/commands/run_pages.h"
#include "cli/commands/separate_runs.h"
#include "cli/terminal/output.h"
#include "cli/terminal/run_display.h"
#include "genkidama/core/error.h"
#include "genkidama/run/stop_signal.h"
#include "genkidama/run/trainer_run.h"

namespace genkidama::cli {

int run_train(Job job) {
  std::unique_ptr<MachineGroup> group;
  if (job.settings.machine_group.empty()) {
    // Several learners of the same shards train together.
    if (job.settings.links.shards.empty()) warn_of_separate_runs(job.program);
    prepare_run_directory(job);
  } else {
    group = job.program.machine_groups.at(job.settings.machine_group)();
  }
  begin_log(job);
  const Job own{
      job.program, group ? settings_in_group(job.settings, *group) : job.settings, {}, false, job.recent_log};
  // Machine 0 speaks for all of them.
  const bool speaks = !group || group->number() == 0;
  RunDisplay display;
  const auto trainer =
      make_trainer(own, own.settings.learning.workers, [&display, speaks](const RoundProgress& round) {
        if (speaks) display.on_round(round);
      });
  run::RunOptions options = run_options(job, trainer->environment_spec().name);
  std::unique_ptr<Exchange> exchange;
  if (group) {
    options = options_in_group(std::move(options), *group);
    if (job.settings.links.average_moments && !group->average_moments()) {
      throw ArgumentError(
          fmt::format("--average-moments is given, and machines of --exchange {} cannot do that",
                      job.settings.machine_group));
    }
    // Workers are forked by now.
    exchange = group->join(run::round_overdue);
  }
  const RunPages pages = speaks ? open_pages(own, trainer.get()) : RunPages();
  run::RunObservers observers =
      observers_of({speaks ? &display : nullptr, pages.metrics.get(), pages.live.get()});
  run::TrainerRun run(*trainer, std::move(options), &observers, exchange.get());
  if (speaks) {
    tell_start(own, *trainer);
    if (group) print_error(fmt::format("machine 0 of {}: steps are those of this machine\n", group->size()));
    warn_of_idle_options(own.settings, own.program.presets.at(own.settings.preset),
                         trainer->environment_spec());
  }
  while (run.advance()) {
  }
  return exit_code_of(run.finish());
}

}  // namespace genkidama::cli
