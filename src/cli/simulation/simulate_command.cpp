#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/commands/result_file.h"
#include "cli/simulation/machine_list.h"
#include "cli/simulation/simulation_report.h"
#include "cli/simulation/simulation_run.h"
#include "cli/terminal/output.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/run/stop_signal.h"
#include "run/directory/json_file.h"

namespace genkidama::cli {
namespace {

void check_end(const Settings& settings) {
  const run::RunOptions& run = settings.run;
  if (run.updates || run.max_steps || run.target || settings.simulation.max_seconds > 0) return;
  throw ArgumentError(
      "nothing ends this simulation; expected one of --target, --max-steps, --updates and --max-seconds");
}

// Real trainers take memory and time; more machines than this are for the quadratic.
constexpr int kMostTrainers = 1024;

void check_quadratic(const Settings& settings) {
  const SimulationSettings& simulation = settings.simulation;
  if (simulation.quadratic == 0) {
    if (simulation.machines <= kMostTrainers) return;
    throw ArgumentError(
        fmt::format("--machines is {}; expected at most {} that learn a task, or --quadratic N",
                    simulation.machines, kMostTrainers));
  }
  if (simulation.cut != "weights" && simulation.cut != "peers")
    throw ArgumentError(
        fmt::format("--quadratic with --cut {}; expected --cut weights or peers", simulation.cut));
  if (!simulation.step_us || !simulation.gradient_us) {
    throw ArgumentError("--quadratic needs --step-us and --gradient-us: what it costs here says nothing");
  }
}

}  // namespace

int run_simulate(Job job) {
  check_result_file("--csv", job.settings.evaluate.csv_file);
  check_result_file("--json", job.settings.evaluate.json_file);
  check_end(job.settings);
  check_quadratic(job.settings);
  std::vector<SimulatedPart> machines = machines_of(job.settings);
  const auto measured = complete_costs(job, machines);
  const bool is_quadratic = job.settings.simulation.quadratic > 0;
  const SimulationResult result =
      is_quadratic ? simulate_quadratic(job, machines) : simulate_task(job, machines);
  if (!job.settings.evaluate.csv_file.empty())
    write_file_atomically(job.settings.evaluate.csv_file, to_csv(result));
  if (!job.settings.evaluate.json_file.empty())
    run::write_json_file(job.settings.evaluate.json_file, to_json(result));
  print_text(to_text(result));
  if (measured) print("the costs were measured on this machine; to repeat: {}\n", cost_flags(*measured));
  if (run::stop_signal() != 0) return 128 + run::stop_signal();
  // The machines are gone, or the Parent has given up, before anything that ends a simulation.
  return result.summary.end.empty() || result.summary.end == "max-seconds" ? 0 : 1;
}

}  // namespace genkidama::cli
