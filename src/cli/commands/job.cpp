#include "cli/commands/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/link_options.h"
#include "cli/commands/stop_requests.h"
#include "cli/options/command_line.h"
#include "cli/options/config_file.h"
#include "cli/options/own_options.h"
#include "cli/options/settings_check.h"
#include "cli/terminal/output.h"
#include "genkidama/core/log.h"
#include "genkidama/nn/optimizer_text.h"
#include "genkidama/run/stop_signal.h"
#include "run/directory/json_file.h"
#include "run/directory/run_directory.h"
#include "run/evaluation/run_evaluator.h"

namespace genkidama::cli {
namespace {

run::RunOptions options_without_config(const Job& job) {
  const Settings& settings = job.settings;
  run::RunOptions options = settings.run;
  options.directory = settings.run_dir;
  options.resume = settings.resume.empty() ? run::Resume::kNever : run::Resume::kRequired;
  options.cluster_member = settings.plumbing.cluster_member;
  options.record.program = job.program.name;
  // The Parent of a cluster writes the cluster's summary.
  options.record.command = command_name(options.cluster_member ? kCluster : settings.command);
  options.record.preset = settings.preset;
  options.record.seed = settings.learning.seed;
  options.record.options = own_options_text(settings.own);
  options.cloning.seed = settings.learning.seed;
  // A run that is resumed has them in its config.json, whether it began with the files or goes on from a
  // state.
  if (!settings.resume.empty() && run::RunDirectory(settings.run_dir).has_state()) {
    if (!names_option(settings.command_line, "init-from")) options.init_from.clear();
    if (!names_option(settings.command_line, "demonstrations")) options.demonstrations.clear();
  }
  options.end_reason = run::end_reason;
  options.option_name = flag_of;
  return options;
}

/// From the seed that all peers share, and the name, which is its own.
std::uint64_t peer_seed(const Settings& settings) {
  std::uint64_t seed = settings.learning.seed;
  for (const char each : settings.links.name) seed = derive_seed(seed, {static_cast<unsigned char>(each)});
  return seed;
}

bool evaluates(const run::RunOptions& options) {
  return options.eval_episodes > 0 || options.target || options.evaluate_every || options.patience;
}

}  // namespace

std::string flag_of(std::string_view field) {
  if (field == "directory") return "--run-dir";
  std::string flag = "--" + std::string(field);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

EnvironmentFactory environment_of(const Job& job) {
  return [make = job.environment ? job.environment : job.program.environment,
          own = job.settings.own](EnvironmentContext context) {
    context.options = own;
    return make(context);
  };
}

EnvironmentSpec environment_spec(const Job& job) {
  if (job.program.environment_spec) return *job.program.environment_spec;
  EnvironmentContext context;
  context.purpose = EnvironmentPurpose::kDescribe;
  return environment_of(job)(context)->spec();
}

void prepare_run_directory(Job& job) {
  Settings& settings = job.settings;
  if (settings.run_dir.empty()) settings.run_dir = run::default_run_directory(job.program.name);
  run::RunDirectory(settings.run_dir).goes_on(options_without_config(job));
}

run::RunOptions run_options(const Job& job, const std::string& environment) {
  run::RunOptions options = options_without_config(job);
  options.record.config =
      run::json_text(config_of(job.settings, job.program.table, job.program.name, environment));
  return options;
}

NetworkFactory network_of(const Job& job) {
  if (job.settings.network) return mlp_network(*job.settings.network);
  return job.program.presets.at(job.settings.preset).network;
}

std::unique_ptr<CoreOrchestrator> make_trainer(const Job& job, int workers,
                                               std::function<void(const RoundProgress&)> on_wait) {
  return make_trainer(job, workers, std::move(on_wait),
                      {.cut_round = run::round_overdue, .give_up = run::stop_overdue});
}

std::unique_ptr<CoreOrchestrator> make_trainer(const Job& job, int workers,
                                               std::function<void(const RoundProgress&)> on_wait,
                                               StopRequests stop) {
  const LearningOptions& learning = job.settings.learning;
  OrchestratorOptions options;
  options.workers = workers;
  options.mode = learning.worker_mode;
  options.seed = job.settings.command == kPeer ? peer_seed(job.settings) : learning.seed;
  options.hyperparameters = resolved_hyperparameters(job.settings);
  options.environment_spec = job.program.environment_spec;
  options.servers = learning.servers;
  options.learning = learning_of(job.settings);
  options.device = learning.device;
  // A learner's actors have them.
  if (options.learning != Learning::kGiven) {
    options.inference = learning.inference;
    options.inference.wait = std::chrono::microseconds(learning.inference_wait_us);
  }
  if (options.learning == Learning::kCentral) {
    const LinkOptions& links = job.settings.links;
    options.actor_mode = links.actor_mode;
    options.queued_rounds = links.queued_rounds;
    options.when_full = links.when_full;
    options.max_policy_lag = most_policy_lag(job.settings);
  }
  // Those of a learner only evaluate.
  const bool trains = (job.settings.command & (kPlaying | kSimulation)) != 0;
  options.purpose = trains ? EnvironmentPurpose::kTrain : EnvironmentPurpose::kEvaluate;
  options.optimizer = job.program.optimizer;
  options.algorithm = job.program.algorithm;
  // An actor's learner has the buffer.
  if (options.learning != Learning::kElsewhere)
    options.replay_capacity = static_cast<std::size_t>(learning.replay_capacity);
  options.describe_only = job.only_describes || job.settings.command == kShard ||
                          (job.settings.command == kParent && !evaluates(job.settings.run));
  if (!job.settings.links.shards.empty()) {
    const auto links = shard_links_options(job.settings, optimizer_text(options.hyperparameters));
    options.shards = [links](const ShardLearner& learner) { return make_shard_links(links, learner); };
  }
  options.steps_per_second = learning.steps_per_second;
  options.worker_timeout = Milliseconds(static_cast<long long>(learning.worker_timeout_s * 1000));
  options.max_crashes_per_minute = learning.max_worker_crashes;
  options.cut_round = std::move(stop.cut_round);
  options.give_up = std::move(stop.give_up);
  options.on_wait = std::move(on_wait);
  NetworkFactory network = network_of(job);
  if (job.settings.command == kPeer) {
    // All peers begin with the same weights: the average of networks that have nothing in common is none.
    network = [inner = std::move(network), seed = learning.seed](const NetworkSpec& spec, std::uint64_t) {
      return inner(spec, seed);
    };
  }
  return std::make_unique<CoreOrchestrator>(environment_of(job), std::move(network), options);
}

void tell_start(const Job& job, const CoreOrchestrator& trainer) {
  const Settings& settings = job.settings;
  std::vector<std::string> ends;
  if (settings.run.clone_only) ends.emplace_back("once the policy is fitted");
  if (settings.run.updates) ends.push_back(fmt::format("after {} updates", *settings.run.updates));
  if (settings.run.max_steps) ends.push_back(fmt::format("after {} steps", *settings.run.max_steps));
  if (settings.run.target) ends.push_back(fmt::format("at a mean return of {}", *settings.run.target));
  if (settings.run.patience) {
    ends.push_back(fmt::format("after {} evaluation{} without improvement", *settings.run.patience,
                               *settings.run.patience == 1 ? "" : "s"));
  }
  if (settings.command == kChild) ends.emplace_back("with its Parent");
  if (settings.command == kActor) ends.emplace_back("with its learner");
  if (ends.empty()) ends.emplace_back("with Ctrl-C");
  if (settings.command == kLearner) {
    print_error(fmt::format("learning {} from actors with preset {}, rounds of {} steps{}, ends {}\n",
                            trainer.environment_spec().name, settings.preset,
                            trainer.hyperparameters().round_steps,
                            settings.links.divide_steps ? "" : " of each actor", fmt::join(ends, " or ")));
    return;
  }
  const char* const doing = settings.command == kActor ? "playing" : "training";
  print_error(fmt::format("{} {} with preset {}, {} worker{}, ends {}\n", doing,
                          trainer.environment_spec().name, settings.preset, trainer.workers(),
                          trainer.workers() == 1 ? "" : "s", fmt::join(ends, " or ")));
}

int exit_code_of(const run::RunSummary& summary) {
  if (!summary.files_written) {
    // Again, below all that was said since: a run without its files must not look like a success.
    print_error(fmt::format("error: {}\n", summary.write_failure));
    return 1;
  }
  return summary.stopped ? 128 + run::stop_signal() : 0;
}

}  // namespace genkidama::cli
