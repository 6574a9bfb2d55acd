#include "genkidama/cli/program.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <iostream>

#include "cli/commands/commands.h"
#include "cli/options/command_line.h"
#include "cli/options/option_table.h"
#include "cli/process/stop_signal.h"
#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"

namespace genkidama::cli {
namespace {

constexpr int kFailedRun = 1;
constexpr int kBadArguments = 2;

int run(const Settings& settings, const Program& program) {
  const auto table = make_option_table(program);
  Job job{program, table, settings};
  switch (settings.command) {
    case kTrain:
      return run_train(std::move(job));
    case kParent:
      return run_parent(std::move(job));
    case kChild:
      return run_child(std::move(job));
    case kCluster:
      return run_cluster(std::move(job));
    case kEvaluate:
      return run_evaluate(std::move(job));
    case kSweep:
      return run_sweep(std::move(job));
  }
  return kBadArguments;
}

int report(const std::exception& error, int exit_code) {
  fmt::print(stderr, "error: {}\n", error.what());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv, const Program& program) {
  try {
    ignore_write_signals();
    if (!program.environment) throw ArgumentError("Program::environment is empty; expected a factory");
    const auto settings = parse_command_line(argc, argv, program, std::cout);
    return settings ? run(*settings, program) : 0;
  } catch (const StoppedError&) {
    // By a signal, before there was anything to keep.
    return stop_signal() != 0 ? 128 + stop_signal() : kFailedRun;
  } catch (const ArgumentError& error) {
    return report(error, kBadArguments);
  } catch (const std::exception& error) {
    return report(error, kFailedRun);
  }
}

}  // namespace genkidama::cli
