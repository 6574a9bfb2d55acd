#pragma once

/// @file
/// What every training command leaves behind, and when it is over.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/csv_file.h"
#include "cli/evaluation.h"
#include "cli/option_row.h"
#include "cli/run_directory.h"
#include "cli/run_state.h"
#include "cli/settings.h"
#include "genkidama/cli/program.h"

namespace genkidama::cli {

/// What a command works on: the program, its options and their definitions.
struct Job {
  const Program& program;
  const std::vector<OptionRow>& table;
  Settings settings;
};

/// Checks that the directory can be used, before anything costly is started. Throws ArgumentError. Fills in
/// settings.run_dir when there is none.
void prepare_run_directory(Job& job);

/// The files of one run and its totals.
class RunFiles {
 public:
  /// Makes the directory, config.json and the tables; a resumed run reads its state. `trainer` plays the
  /// evaluations and must outlive this. `columns` follow update, environment_steps, wall_seconds and
  /// steps_per_second in metrics.csv. Throws IoError and, for the state of another network, ArgumentError.
  RunFiles(const Job& job, CoreOrchestrator& trainer, const std::vector<std::string>& columns);

  RunTotals totals;  ///< wall_seconds: of earlier processes

  /// What was read for --resume, or nothing.
  const std::optional<RunState>& resumed() const { return resumed_; }
  const RunDirectory& directory() const { return directory_; }
  double wall_seconds() const;

  void append_metrics(const std::vector<std::string>& fields);

  /// Weights and state. A failure is logged and leaves the earlier files.
  void checkpoint(std::span<const float> weights, const TrainerState& trainer);
  bool is_checkpoint_due() const { return totals.updates % settings_.checkpoint_every == 0; }

  /// For --target, with the trainer's present weights; true when it is reached.
  bool evaluate_target();
  bool is_evaluation_due() const {
    return settings_.target && totals.updates % settings_.evaluate_every == 0;
  }

  /// "updates" or "max_steps" when the totals have got there.
  std::optional<std::string> reached_limit() const;
  /// Share of the run that is done, if it has an end.
  std::optional<double> done() const;

  /// Final weights, state, final evaluation (with the trainer's present weights, which must be `weights`; not
  /// after a signal or an error) and summary.json; `extra` is added to it. Tells the user on standard output.
  /// Returns the exit code.
  int finish(const std::string& ended_by, std::span<const float> weights, const TrainerState& trainer,
             const nlohmann::ordered_json& extra = nlohmann::ordered_json::object());

  /// summary.json of a run that failed; the checkpoints stay as they are.
  void fail(const std::string& error);

 private:
  bool write_final(std::span<const float> weights, const TrainerState& trainer);
  void write_weights(const std::filesystem::path& path, std::span<const float> weights);
  void write_state(std::span<const float> weights, const TrainerState& trainer);
  nlohmann::ordered_json summary(const std::string& ended_by) const;
  bool write_summary(const nlohmann::ordered_json& summary);
  EvaluationStatistics evaluate(int episodes, std::uint64_t seed);

  const Settings settings_;
  const std::string program_;
  RunDirectory directory_;
  CoreOrchestrator& trainer_;
  std::optional<RunState> resumed_;
  std::unique_ptr<CsvFile> metrics_;
  std::unique_ptr<CsvFile> evaluations_;
  Clock::time_point started_;
  double last_row_seconds_ = 0;
  std::uint64_t last_row_steps_ = 0;
};

}  // namespace genkidama::cli
