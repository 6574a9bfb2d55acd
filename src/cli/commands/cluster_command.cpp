#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/idle_options.h"
#include "cli/options/cluster_member.h"
#include "cli/options/config_file.h"
#include "genkidama/net/token.h"
#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/stop_signal.h"
#include "run/directory/json_file.h"

namespace genkidama::cli {
namespace {

constexpr int kBadArguments = 2;

std::vector<std::string> words_of(const Job& job, const run::MemberContext& member) {
  // A member inherits the token; no command line has it.
  setenv(kTokenVariable, member.token.c_str(), 1);
  if (member.is_parent()) return parent_words(job.settings, job.program.table, member.ready_fd);
  auto words = child_words(job.settings, job.program.table, member.number, member.endpoint.port);
  words.push_back((member.resume ? "--resume=" : "--run-dir=") + member.directory.string());
  return words;
}

}  // namespace

int run_cluster(Job job) {
  prepare_run_directory(job);
  run::LoopbackClusterOptions options;
  options.directory = job.settings.run_dir;
  options.resume = job.settings.resume.empty() ? run::Resume::kNever : run::Resume::kRequired;
  options.children = job.settings.cluster.children;
  options.seed = job.settings.learning.seed;
  const EnvironmentSpec environment = environment_spec(job);
  warn_of_idle_options(job.settings, job.program.presets.at(job.settings.preset), environment);
  options.config =
      run::json_text(config_of(job.settings, job.program.table, job.program.name, environment.name));
  options.member_words = [&job](const run::MemberContext& member) { return words_of(job, member); };
  options.stop = [] { return run::stop_signal() != 0; };
  options.option_name = flag_of;
  const run::ClusterSummary summary = run::LoopbackCluster(std::move(options)).run();
  if (summary.stopped) return 128 + run::stop_signal();
  if (summary.error.empty()) return 0;
  const std::vector<int>& children = summary.child_exit_codes;
  const bool all_refused = !children.empty() && std::all_of(children.begin(), children.end(),
                                                            [](int code) { return code == kBadArguments; });
  return summary.parent_exit_code == kBadArguments || all_refused ? kBadArguments : 1;
}

}  // namespace genkidama::cli
