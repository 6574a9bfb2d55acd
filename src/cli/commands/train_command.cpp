#include <fmt/format.h>

#include <memory>

#include "cli/commands/commands.h"
#include "cli/commands/machine_group.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/output.h"
#include "cli/terminal/run_display.h"
#include "genkidama/run/stop_signal.h"
#include "genkidama/run/trainer_run.h"

namespace genkidama::cli {
namespace {

/// Machine 0 speaks for all of them.
int train_in_group(Job job) {
  const auto group = job.program.machine_groups.at(job.settings.machine_group)();
  const Job own{job.program, settings_in_group(job.settings, *group)};
  const bool speaks = group->number() == 0;
  RunDisplay display;
  const auto trainer =
      make_trainer(own, own.settings.learning.workers, [&display, speaks](const RoundProgress& round) {
        if (speaks) display.on_round(round);
      });
  // Workers are forked by now.
  const auto exchange = group->join(run::round_overdue);
  run::TrainerRun run(*trainer, options_in_group(run_options(job, trainer->environment_spec().name), *group),
                      speaks ? &display : nullptr, exchange.get());
  if (speaks) {
    tell_start(own, *trainer);
    print_error(fmt::format("machine 0 of {}: steps are those of this machine\n", group->size()));
    warn_of_idle_options(own, trainer->environment_spec());
  }
  while (run.advance()) {
  }
  return exit_code_of(run.finish());
}

}  // namespace

int run_train(Job job) {
  if (!job.settings.machine_group.empty()) {
    log_above_live_line();
    return train_in_group(std::move(job));
  }
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
