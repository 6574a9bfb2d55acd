#include "genkidama/cli/program.h"

#include <csignal>
#include <functional>
#include <sstream>

#include "cli/commands/commands.h"
#include "cli/commands/guarded.h"
#include "cli/options/command_line.h"
#include "cli/options/flags_in_text.h"
#include "cli/terminal/output.h"
#include "genkidama/core/error.h"
#include "genkidama/core/standard_descriptors.h"
#include "genkidama/run/stop_signal.h"

namespace genkidama::cli {
namespace {

constexpr int kBadArguments = 2;

// From now on a write to a closed pipe or to a file that is too large is an error for the caller and does not
// end the process.
void ignore_write_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

int run(const Settings& settings, const ResolvedProgram& program) {
  Job job{program, settings};
  switch (settings.command) {
    case kTrain:
      return run_train(std::move(job));
    case kParent:
      return run_parent(std::move(job));
    case kChild:
      return run_child(std::move(job));
    case kLearner:
      return run_learner(std::move(job));
    case kActor:
      return run_child(std::move(job));  // it differs by its exchange
    case kCluster:
      return run_cluster(std::move(job));
    case kEvaluate:
      return run_evaluate(std::move(job));
    case kWatch:
      return run_watch(std::move(job));
    case kExport:
      return run_export(job.settings);
    case kCheck:
      return run_check(std::move(job));
    case kSweep:
      return run_sweep(std::move(job));
    case kSimulate:
      return run_simulate(std::move(job));
    case kShard:
      return run_shard(std::move(job));
    case kServer:
      return run_server(std::move(job));
    case kEnvironmentHost:
      return run_environment_host(std::move(job));
    case kPeer:
      return run_peer(std::move(job));
    case kCompare:
      return run_compare(std::move(job));
    case kReport:
      return run_report(std::move(job));
    case kPlan:
      return run_plan(std::move(job));
  }
  return kBadArguments;
}

int run_words(int argc, char** argv, const ResolvedProgram& program) {
  try {
    // Whoever asked for help may have sent it to a full disk, which finish_output() notices.
    std::ostringstream help;
    const auto settings = parse_command_line(argc, argv, program, help);
    if (!settings) {
      print_text(help.str());
      return 0;
    }
    return run(*settings, program);
  } catch (const ArgumentError& error) {
    throw ArgumentError(with_flags(error.what(), program.table));
  }
}

}  // namespace

int main(int argc, char** argv, const std::function<Program()>& make_program) {
  fill_standard_descriptors();
  ignore_write_signals();
  const int exit_code = guarded([&] {
    if (!make_program) throw ArgumentError("make_program is empty; expected a function that makes a Program");
    const ResolvedProgram program(make_program());
    run::catch_stop_signals();
    return run_words(argc, argv, program);
  });
  const int written = guarded([] {
    finish_output();
    return 0;
  });
  return exit_code != 0 ? exit_code : written;
}

int main(int argc, char** argv, const Program& program) {
  return main(argc, argv, std::function<Program()>([&program] { return program; }));
}

}  // namespace genkidama::cli
