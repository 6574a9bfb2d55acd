#include "cli/commands/commands.h"
#include "cli/options/settings_check.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/run_display.h"
#include "genkidama/net/child.h"
#include "genkidama/run/child_run.h"

namespace genkidama::cli {
namespace {

Milliseconds milliseconds(double seconds) {
  return Milliseconds(static_cast<long long>(seconds * 1000));
}

ChildOptions child_options(const Settings& settings) {
  ChildOptions options;
  if (!settings.links.connect.empty()) options.connect = Endpoint::parse(settings.links.connect.front());
  if (options.connect) options.connect->tls |= settings.links.tls && !options.connect->plain;
  if (!settings.links.listen.empty()) options.listen = Endpoint::parse(settings.links.listen.front());
  options.exchange = settings.links.exchange;
  options.codec = settings.links.codec;
  options.beta = settings.links.beta;
  options.overlap = settings.links.overlap;
  options.name = settings.links.name;
  options.security = security_of(settings);
  options.join_timeout = milliseconds(settings.links.join_timeout_s);
  options.exchange_timeout = milliseconds(settings.links.exchange_timeout_s);
  // After a signal there may be a wait for the Parent's answer and another for its farewell.
  options.limits.close_timeout = Milliseconds(500);
  return options;
}

}  // namespace

int run_child(Job job) {
  prepare_run_directory(job);
  log_above_live_line();
  RunDisplay display;
  const auto trainer = make_trainer(job, job.settings.learning.workers,
                                    [&display](const RoundProgress& round) { display.on_round(round); });
  run::ChildRun run(*trainer, run_options(job, trainer->environment_spec().name), child_options(job.settings),
                    &display);
  tell_start(job, *trainer);
  warn_of_idle_options(job, trainer->environment_spec());
  return exit_code_of(run.run());
}

}  // namespace genkidama::cli
