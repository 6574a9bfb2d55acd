#include <cmath>
#include <string>

#include "cli/commands/commands.h"
#include "cli/options/settings_check.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/run_display.h"
#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/parent_run.h"

namespace genkidama::cli {
namespace {

ParentOptions parent_options(const Job& job) {
  const LinkOptions& links = job.settings.links;
  ParentOptions options;
  for (const std::string& text : links.listen) options.listen.push_back(Endpoint::parse(text));
  for (const std::string& text : links.connect) {
    options.connect.push_back(Endpoint::parse(text));
    options.connect.back().tls |= links.tls && !options.connect.back().plain;
  }
  options.exchange = links.exchange;
  options.alpha = links.alpha;
  options.rounds = links.rounds;
  options.rounds.deadline = Milliseconds(static_cast<long long>(std::ceil(1000 * links.round_deadline_s)));
  options.outer_optimizer = OuterOptimizer(links.outer_optimizer);
  options.merge_rule = job.program.merge_rule;
  options.name = links.name;
  options.security = security_of(job.settings);
  return options;
}

run::MemberContext member_of(const Job& job) {
  run::MemberContext member;
  member.ready_fd = job.settings.plumbing.ready_fd;
  return member;
}

}  // namespace

int run_parent(Job job) {
  prepare_run_directory(job);
  log_above_live_line();
  // The workers know the network and evaluate; they are forked before the Parent's thread exists.
  const auto evaluator = make_trainer(job, job.settings.cluster.eval_workers);
  warn_of_idle_options(job, evaluator->environment_spec());
  RunDisplay display;
  run::PortTeller port(member_of(job));
  run::RunObservers observers({&display, &port});
  run::ParentRun run(*evaluator, run_options(job, evaluator->environment_spec().name), parent_options(job),
                     &observers);
  return exit_code_of(run.run());
}

}  // namespace genkidama::cli
