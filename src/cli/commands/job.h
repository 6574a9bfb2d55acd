#pragma once

/// @file
/// What a subcommand works on, and what the commands have in common.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/options/resolved_program.h"
#include "cli/options/settings.h"
#include "genkidama/net/parent.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/recent_log.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"

namespace genkidama::cli {

/// The program, and what this process was told.
struct Job {
  const ResolvedProgram& program;
  Settings settings;
  EnvironmentFactory environment{};              ///< takes the place of the program's; empty: it does not
  bool only_describes = false;                   ///< make_trainer() makes no workers
  std::shared_ptr<run::RecentLog> recent_log{};  ///< for --page; nullptr: nobody wants it
};

/// "--learning-rate" for the library's "learning_rate".
std::string flag_of(std::string_view field);

/// The program's factory, which is told the values of the program's own options.
EnvironmentFactory environment_of(const Job& job);

/// What the program's environment is like. Makes an environment when the program brings no spec.
EnvironmentSpec environment_spec(const Job& job);

/// Checks that the directory can be used, before anything costly is started. Throws ArgumentError. Fills in
/// settings.run_dir when there is none.
void prepare_run_directory(Job& job);

/// What the library is told of a run in this environment. It ends at a stop signal.
run::RunOptions run_options(const Job& job, const std::string& environment);

/// What the job trains or plays.
NetworkFactory network_of(const Job& job);

/// The trainer as the settings say. Forks: before any thread. `on_wait` is OrchestratorOptions::on_wait.
std::unique_ptr<CoreOrchestrator> make_trainer(const Job& job, int workers,
                                               std::function<void(const RoundProgress&)> on_wait = {});

/// Tells on standard error what is trained, by how many workers, and when that ends.
void tell_start(const Job& job, const CoreOrchestrator& trainer);

/// 0, 1 when a file is missing, 128 + N after signal N. Tells of the missing file in a last line.
int exit_code_of(const run::RunSummary& summary);

}  // namespace genkidama::cli
