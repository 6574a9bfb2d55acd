#include "run/metrics/csv_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <utility>

#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "run/metrics/csv_table.h"

namespace genkidama::run {
namespace {

std::optional<std::uint64_t> number_of(const std::string& line) {
  std::uint64_t number = 0;
  const auto result = std::from_chars(line.data(), line.data() + line.size(), number);
  if (result.ec != std::errc()) return {};
  return number;
}

struct KeptRows {
  std::string text;               ///< with the header
  std::size_t other_columns = 0;  ///< that only the file has, behind this run's
};

/// Fields that were not written then are empty.
KeptRows rows_of_other_columns(const std::filesystem::path& path, CsvRow columns, std::uint64_t keep_until) {
  const CsvTable old = read_csv(path).value_or(CsvTable());
  const std::size_t own = columns.size();
  for (const std::string& column : old.columns) {
    if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
  }
  KeptRows kept{csv_line(columns), columns.size() - own};
  for (const CsvRow& row : old.rows) {
    const auto number = number_of(row.front());
    if (!number || *number > keep_until) continue;
    CsvRow whole;
    for (const std::string& column : columns) whole.push_back(old.field(row, column));
    kept.text += csv_line(whole);
  }
  return kept;
}

/// The header alone when there is no file: the run to go on with had not written a row.
KeptRows kept_rows(const std::filesystem::path& path, const CsvRow& columns, std::uint64_t keep_until) {
  KeptRows kept{csv_line(columns)};
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!file || !std::getline(file, line)) return kept;
  if (line + '\n' != kept.text) return rows_of_other_columns(path, columns, keep_until);
  // A last line without its end was cut off by a kill.
  while (std::getline(file, line) && !file.eof()) {
    const auto number = number_of(line);
    if (number && *number <= keep_until) kept.text += line + '\n';
  }
  return kept;
}

}  // namespace

CsvFile::CsvFile(std::filesystem::path path, std::vector<std::string> columns,
                 std::optional<std::uint64_t> keep_until)
    : columns_(columns.size()) {
  const KeptRows kept = keep_until ? kept_rows(path, columns, *keep_until) : KeptRows{csv_line(columns)};
  const std::string& text = kept.text;
  other_columns_ = kept.other_columns;
  write_file_atomically(path, text);
  const auto last_row = text.rfind('\n', text.size() - 2);
  if (last_row != std::string::npos) last_number_ = number_of(text.substr(last_row + 1));
  file_.emplace(std::move(path), static_cast<off_t>(text.size()));
}

void CsvFile::append(const std::vector<std::string>& fields) {
  if (fields.size() != columns_) {
    throw ArgumentError(fmt::format("a row of {} has {} fields; expected {}", file_->path().string(),
                                    fields.size(), columns_));
  }
  CsvRow row = fields;
  row.resize(columns_ + other_columns_);
  const std::string line = csv_line(row);
  if (file_->append(line)) last_number_ = number_of(line);
}

}  // namespace genkidama::run
