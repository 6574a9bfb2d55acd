#pragma once

/// @file
/// A table that grows a row at a time and survives a kill and a full disk.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace genkidama::run {

/// Every row is one write at the end of the file, so that a killed process leaves whole rows.
class CsvFile {
 public:
  /// A new file with these columns, or, with `keep_until`, the file there without the rows whose first column
  /// is above it (made after the state that a run is resumed from). Where the file lacks columns, because an
  /// earlier version or a run with other options wrote it, its rows get empty fields there. A column of the
  /// file that is not among `columns` stays behind them, and new rows have nothing in it. Throws IoError.
  CsvFile(std::filesystem::path path, std::vector<std::string> columns,
          std::optional<std::uint64_t> keep_until);
  ~CsvFile();
  CsvFile(const CsvFile&) = delete;
  CsvFile& operator=(const CsvFile&) = delete;

  /// A failure (full disk) is logged once and leaves no half row; later rows are tried again. Fields hold no
  /// line breaks; those with commas or quotes are quoted.
  void append(const std::vector<std::string>& fields);

  /// Makes the rows so far outlive a power cut. A failure is logged as one of append().
  void sync();

  /// The first field of the last row, if it is a number.
  const std::optional<std::uint64_t>& last_number() const { return last_number_; }

 private:
  void log_failure(int error);

  std::filesystem::path path_;
  std::size_t columns_;            ///< that append() is given
  std::size_t other_columns_ = 0;  ///< behind them, of the file that it goes on with
  int file_ = -1;
  off_t end_ = 0;  ///< of the last whole row
  std::optional<std::uint64_t> last_number_;
  bool failure_logged_ = false;
};

}  // namespace genkidama::run
