#pragma once

/// @file
/// Runs of a sweep without any training, and who watches them.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/run/sweep.h"

namespace genkidama::test {

/// What a run that has ended leaves, without one.
inline void pretend(const run::SweepRun& run, const std::string& ended_by, const std::string& file,
                    std::uint64_t steps = 60) {
  std::filesystem::create_directories(run.directory);
  std::ofstream(run.directory / "config.json") << "{}";
  std::ofstream(run.directory / "metrics.csv")
      << "update,environment_steps,wall_seconds\n3," << steps << ",0.250\n";
  std::ofstream(run.directory / "summary.json") << R"({"updates": 3, "environment_steps": )" << steps
                                                << R"(, "wall_seconds": 0.5, "env_steps_per_second": 120.0,)"
                                                << R"("ended_by": ")" << ended_by << "\"}";
  std::ofstream(run.directory / file) << "x";
}

/// Why a sweep with these options is refused.
inline std::string refusal_of(const run::SweepOptions& options) {
  try {
    run::Sweep sweep(options);
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "taken";
}

inline void pretend_finished(const run::SweepRun& run) {
  pretend(run, "updates", "final.safetensors");
}

/// A run that has come to SweepRun::max_steps, or so many, and can go on.
inline void pretend_trained(const run::SweepRun& run, std::uint64_t steps) {
  pretend(run, "max_steps", "state.safetensors", steps);
  std::ofstream(run.directory / "final.safetensors") << "x";
}

/// Its evaluation by two episodes with the seed 5, greedy.
inline void pretend_evaluated(const run::SweepRun& run, double mean, std::uint64_t steps) {
  std::ofstream(run.returns()) << "checkpoint,update,returns\nfinal.safetensors,3,1 2\n";
  std::ofstream(run.evaluations()) << "checkpoint,update,environment_steps,episodes,seed,greedy,mean\n"
                                   << "final.safetensors,3," << steps << ",2,5,1," << mean << "\n";
}

class Recorder : public run::SweepObserver {
 public:
  void on_start(const run::SweepProgress& progress) override { done_at_start = progress.done; }
  void on_run_start(const run::SweepRun& run) override {
    started.push_back(run.name() + (run.resume ? " again" : ""));
  }
  void on_run_end(const run::SweepRun& run, double, std::optional<double> mean,
                  const run::SweepProgress&) override {
    ended.push_back(run.name());
    last_mean = mean;
  }
  void on_wait(const run::SweepProgress& progress) override { most = std::max(most, progress.jobs.size()); }

  std::size_t done_at_start = 0;
  std::vector<std::string> started;
  std::vector<std::string> ended;
  std::optional<double> last_mean;
  std::size_t most = 0;
};

}  // namespace genkidama::test
