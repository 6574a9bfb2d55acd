#pragma once

/// @file
/// Tables that are read a row at a time.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/metrics/csv_table.h"

namespace genkidama::run {

/// Reads what csv_line() wrote, in memory that does not grow with the number of rows. Whatever the file
/// holds, nothing but rows with as many fields as there are columns comes out.
class CsvReader {
 public:
  static constexpr std::size_t kLongestLine = 1 << 20;

  /// Longer lines are left out. Without a regular file, or without a whole first line, there are no columns.
  explicit CsvReader(const std::filesystem::path& path, std::size_t longest_line = kLongestLine);

  const CsvRow& columns() const { return columns_; }
  std::optional<std::size_t> column(const std::string& name) const;

  /// Whether there was another row, which is then in `row`; its capacity is used again.
  bool next(CsvRow& row);

  /// Lines so far that were no rows of this table. A last line without its end, which a kill has cut short or
  /// a run is writing now, is not among them.
  std::uint64_t left_out() const { return left_out_; }

 private:
  bool next_line(std::string_view& line);
  /// Whether there is more behind what the buffer holds.
  bool read_more();

  std::ifstream file_;
  std::size_t longest_line_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  ///< of what is in the buffer and was not handed out
  bool skips_ = false;               ///< the rest of a line that was too long
  CsvRow columns_;
  std::uint64_t left_out_ = 0;
};

}  // namespace genkidama::run
