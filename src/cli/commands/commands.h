#pragma once

/// @file
/// The subcommands. Each returns the exit code and throws what cli::main() turns into one.

#include "cli/commands/job.h"

namespace genkidama::cli {

int run_train(Job job);
int run_parent(Job job);
int run_child(Job job);
int run_learner(Job job);
int run_cluster(Job job);
int run_evaluate(Job job);
int run_watch(Job job);
int run_export(const Settings& settings);
int run_check(Job job);
int run_sweep(Job job);
int run_simulate(Job job);
int run_plan(Job job);
int run_shard(Job job);
int run_server(Job job);
int run_environment_host(Job job);
int run_peer(Job job);
int run_compare(Job job);
int run_report(Job job);

}  // namespace genkidama::cli
