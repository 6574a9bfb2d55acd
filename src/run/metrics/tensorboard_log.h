#pragma once

/// @file
/// A run as TensorBoard shows it: the rows of its metrics, its evaluations and its options.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run/metrics/event_file.h"
#include "run/metrics/event_messages.h"

namespace genkidama::run {

/// What a column of metrics.csv is called: as Stable-Baselines3 calls it where the meaning is the same, which
/// depends on the algorithm, and otherwise genkidama/COLUMN. The figure is to be multiplied by `factor`.
/// Without a tag it is not shown.
struct ColumnTag {
  std::string tag;
  double factor = 1;
};
ColumnTag tag_of_column(const std::string& column, const std::string& algorithm);

class TensorBoardLog {
 public:
  /// Begins an event file beside metrics.csv in `directory`. `algorithm` is Hyperparameters::algorithm, and
  /// `config` the text of config.json. `keep_until`: the step that a resumed run goes on from. Throws as
  /// EventFile.
  TensorBoardLog(const std::filesystem::path& directory, std::string algorithm, const std::string& config,
                 std::optional<std::uint64_t> keep_until);

  /// Of the rows to come.
  void set_columns(const std::vector<std::string>& columns);
  /// The fields that are numbers, each under the tag of its column, and `more`. A failure is one of
  /// AppendedFile::append(), as in all of these.
  void row(std::uint64_t step, const std::vector<std::string>& fields, std::vector<Scalar> more = {});
  void scalars(std::uint64_t step, const std::vector<Scalar>& scalars);
  /// The run has ended well.
  void ended(std::uint64_t step);
  /// As AppendedFile::sync().
  void sync() { file_.sync(); }

 private:
  std::string algorithm_;
  std::vector<ColumnTag> tags_;  // of the columns
  EventFile file_;
};

}  // namespace genkidama::run
