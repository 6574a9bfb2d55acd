// LunarLander from recorded landings beside LunarLander from nothing, with one worker.
//
//   record_demonstrations landings.safetensors
//   learn_demonstrations landings.safetensors DIR [--seeds 5] [--first-seed 1] [--steps 400000]
//                        [--preset thorough] [--evaluate-every 12] > demonstrations.csv
//
// Each seed trains once from nothing and once from the landings, one run after the other, as
//
//   lunar_lander train --preset thorough --workers 1 --seed N --max-steps 400000 --evaluate-every 12
//                      [--demonstrations landings.safetensors]
//
// does; the runs' directories are left in DIR. Prints one row for each evaluation, which is of 100 greedy
// episodes: preset, begin ("nothing" or "landings"), seed, environment steps, mean return, lowest return,
// wall seconds since the run began (the fit and the evaluations included), and in the row of a run's end,
// which is of other episodes, the processor seconds of all of it; in the row of step 0, which is of the
// fitted policy, the processor seconds of the fit and how many of the held-out choices agree.

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "core/processor_time.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/env/lunar_lander.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/preset.h"
#include "genkidama/run/trainer_run.h"
#include "run/directory/json_file.h"
#include "support/arguments.h"

namespace genkidama::benchmarks {
namespace {

class Rows : public run::RunObserver {
 public:
  explicit Rows(std::string begin) : begin_(std::move(begin)) {}

  void on_update(const run::UpdateEvent& event) override { steps_ = event.totals.in_run.steps; }
  void on_evaluation(const run::EvaluationEvent& event) override {
    if (event.final) return;
    row(event.statistics, steps_ == 0 ? fitted_ : ",");
  }
  void row(const run::EvaluationStatistics& statistics, const std::string& more) const {
    fmt::print("{},{},{:.6g},{:.6g},{:.1f},{}\n", begin_, steps_, statistics.mean, statistics.min,
               seconds_since(started_), more);
    std::fflush(stdout);
  }
  /// What the row of step 0 has at its end.
  void fitted(double processor_seconds, double agreement) {
    fitted_ = fmt::format("{:.2f},{:.4f}", processor_seconds, agreement);
  }

 private:
  std::string begin_, fitted_;
  std::uint64_t steps_ = 0;
  Clock::time_point started_ = Clock::now();
};

void train_once(const Arguments& arguments, const std::string& landings, const std::filesystem::path& place,
                std::uint64_t seed, bool demonstrated) {
  const std::string name = arguments.text("--preset");
  run::Preset preset = name == "tuned" ? run::tuned_preset() : run::thorough_preset();
  preset.max_steps = static_cast<std::uint64_t>(arguments.number("--steps"));
  const std::string begin = demonstrated ? "landings" : "nothing";
  Rows rows(fmt::format("{},{},{}", name, begin, seed));
  const double before = processor_seconds();
  run::RunOptions options;
  options.directory = place / fmt::format("{}_{}_{}", name, begin, seed);
  options.record.seed = options.cloning.seed = seed;
  options.max_steps = preset.max_steps;
  options.evaluate_every = static_cast<std::uint64_t>(arguments.number("--evaluate-every"));
  options.greedy = preset.greedy;
  if (demonstrated) options.demonstrations = landings;
  run::RunSummary summary;
  {
    OrchestratorOptions training;
    training.workers = 1;
    training.seed = seed;
    run::apply(preset, training);
    CoreOrchestrator trainer([] { return make_lunar_lander(); }, preset.network, training);
    run::TrainerRun run(trainer, options, &rows);
    if (const auto json = run::read_json_object(options.directory / "cloning.json"))
      rows.fitted((*json)["processor_seconds"].get<double>(), (*json)["after"]["agreement"].get<double>());
    while (run.advance()) {
    }
    summary = run.finish();
  }
  rows.row(*summary.final_evaluation, fmt::format("{:.1f},", processor_seconds() - before));
}

int run(int argc, char** argv) {
  const Arguments arguments(argc, argv,
                            {{"--seeds", "5"},
                             {"--first-seed", "1"},
                             {"--steps", "400000"},
                             {"--preset", "thorough"},
                             {"--evaluate-every", "12"}});
  if (arguments.positional.size() != 2)
    throw ArgumentError("expected a file of landings and a directory for the runs");
  fmt::print("preset,begin,seed,environment_steps,mean,minimum,wall_seconds,processor_seconds,agreement\n");
  const auto first = static_cast<std::uint64_t>(arguments.number("--first-seed"));
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(arguments.number("--seeds")); ++i) {
    for (const bool demonstrated : {false, true})
      train_once(arguments, arguments.positional[0], arguments.positional[1], first + i, demonstrated);
  }
  return 0;
}

}  // namespace
}  // namespace genkidama::benchmarks

int main(int argc, char** argv) {
  using namespace genkidama::benchmarks;
  return exit_code_of("learn_demonstrations", [&] { return run(argc, argv); });
}
