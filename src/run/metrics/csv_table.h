#pragma once

/// @file
/// Tables as text: a line of one, and a whole one read back.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genkidama::run {

using CsvRow = std::vector<std::string>;

/// The fields with commas between them and a line break at the end. Those with commas or quotes are quoted;
/// a line break in one becomes a space.
std::string csv_line(const CsvRow& fields);

/// The fields of a line that csv_line() wrote, without its line break; the capacity of `fields` is used
/// again.
void split_csv_line(std::string_view line, CsvRow& fields);

std::optional<std::size_t> place_of_column(const CsvRow& columns, const std::string& name);

/// The number that a field begins with; nothing when it begins with none.
std::optional<double> number_in(const std::string& field);

struct CsvTable {
  CsvRow columns;
  std::vector<CsvRow> rows;  ///< each with as many fields as there are columns

  std::optional<std::size_t> column(const std::string& name) const;
  /// The field of this row in the column of this name; empty when there is no such column.
  std::string field(const CsvRow& row, const std::string& name) const;
};

/// What csv_line() wrote. Rows that a kill cut short are left out; nothing without a file or a whole
/// first line.
std::optional<CsvTable> read_csv(const std::filesystem::path& path);

/// The columns and the last row that is whole, without reading all rows before it; nothing when there is no
/// such row. The table may grow meanwhile.
std::optional<CsvTable> read_last_row(const std::filesystem::path& path);

}  // namespace genkidama::run
