#pragma once

/// @file
/// A table that grows a row at a time and survives a kill and a full disk.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run/metrics/appended_file.h"

namespace genkidama::run {

/// A row is one piece of the AppendedFile.
class CsvFile {
 public:
  /// A new file with these columns, or, with `keep_until`, the file there without the rows whose first column
  /// is above it (made after the state that a run is resumed from). Where the file lacks columns, because an
  /// earlier version or a run with other options wrote it, its rows get empty fields there. A column of the
  /// file that is not among `columns` stays behind them, and new rows have nothing in it. Throws IoError.
  CsvFile(std::filesystem::path path, std::vector<std::string> columns,
          std::optional<std::uint64_t> keep_until);

  /// A failure is one of AppendedFile::append(). Fields hold no line breaks; those with commas or quotes are
  /// quoted.
  void append(const std::vector<std::string>& fields);

  /// As AppendedFile::sync().
  void sync() { file_->sync(); }

  /// The first field of the last row, if it is a number.
  const std::optional<std::uint64_t>& last_number() const { return last_number_; }

 private:
  std::size_t columns_;            ///< that append() is given
  std::size_t other_columns_ = 0;  ///< behind them, of the file that it goes on with
  std::optional<AppendedFile> file_;
  std::optional<std::uint64_t> last_number_;
};

}  // namespace genkidama::run
