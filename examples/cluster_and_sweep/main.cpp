// A sweep over alpha in which every run is a cluster on this machine: a Parent and two Children. All
// processes are functions of this program, and it has no command line. Ctrl-C ends it; started again, it goes
// on.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "genkidama/env/cart_pole.h"
#include "genkidama/run/child_run.h"
#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/parent_run.h"
#include "genkidama/run/preset.h"
#include "genkidama/run/stop_signal.h"
#include "genkidama/run/sweep.h"

namespace run = genkidama::run;

std::unique_ptr<genkidama::CoreOrchestrator> make_trainer(std::uint64_t seed) {
  const auto preset = run::tuned_preset();
  genkidama::OrchestratorOptions options;
  options.workers = 1;
  options.seed = seed;
  options.cut_round = run::round_overdue;
  options.give_up = run::stop_overdue;
  run::apply(preset, options);
  return std::make_unique<genkidama::CoreOrchestrator>(genkidama::make_cart_pole, preset.network, options);
}

int run_parent(const run::MemberContext& member, double alpha) {
  const auto evaluator = make_trainer(member.seed);
  run::RunOptions options;
  genkidama::ParentOptions parent;
  run::apply(member, options);
  run::apply(member, parent);
  options.updates = 20;
  options.checkpoint_every = 10;
  options.eval_episodes = 0;  // the sweep evaluates
  parent.alpha = alpha;
  run::PortTeller teller(member);
  return run::ParentRun(*evaluator, options, parent, &teller).run().files_written ? 0 : 1;
}

int run_child(const run::MemberContext& member) {
  const auto trainer = make_trainer(member.seed);
  run::RunOptions options;
  genkidama::ChildOptions child;
  run::apply(member, options);
  run::apply(member, child);
  child.beta = 0.5;
  return run::ChildRun(*trainer, options, child).run().files_written ? 0 : 1;
}

int run_cluster(const run::SweepRun& each) {
  const double alpha = std::stod(each.point.front().value);
  run::LoopbackClusterOptions cluster;
  cluster.directory = each.directory;
  cluster.resume = each.resume ? run::Resume::kRequired : run::Resume::kNever;
  cluster.children = 2;
  cluster.seed = each.seed;
  cluster.stop = [] { return run::stop_signal() != 0; };
  cluster.run_member = [alpha](const run::MemberContext& member) {
    return member.is_parent() ? run_parent(member, alpha) : run_child(member);
  };
  return run::LoopbackCluster(cluster).run().error.empty() ? 0 : 1;
}

int evaluate(const run::SweepRun& each) {
  const auto trainer = make_trainer(each.seed);
  run::evaluate_checkpoints(*trainer, each, {.episodes = 10, .greedy = true});
  return 0;
}

int main(int argc, char** argv) {
  run::catch_stop_signals();
  run::SweepOptions sweep;
  sweep.directory = argc > 1 ? argv[1] : "runs/alpha";
  sweep.definition.points = {{{"alpha", "0.1"}}, {{"alpha", "0.5"}}};
  sweep.definition.seeds = {1, 2};
  sweep.command = "cluster";
  sweep.train.function = run_cluster;
  sweep.evaluate.function = evaluate;
  sweep.evaluation = [](const run::SweepRun&) {
    return genkidama::EvaluationRequest{.episodes = 10, .greedy = true};
  };
  sweep.stop = [] { return run::stop_signal() != 0; };
  const run::SweepSummary summary = run::Sweep(sweep).run();
  for (const run::SettingStatistics& setting : summary.settings) {
    fmt::print("{}: mean return {:.1f} over {} seeds, from {:.1f} to {:.1f}\n", setting.setting, setting.mean,
               setting.seeds, setting.min, setting.max);
  }
  return summary.failures.empty() ? 0 : 1;
}
