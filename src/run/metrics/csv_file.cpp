#include "run/metrics/csv_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "core/write_advice.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
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
    : path_(std::move(path)), columns_(columns.size()) {
  const KeptRows kept = keep_until ? kept_rows(path_, columns, *keep_until) : KeptRows{csv_line(columns)};
  const std::string& text = kept.text;
  other_columns_ = kept.other_columns;
  write_file_atomically(path_, text);
  end_ = static_cast<off_t>(text.size());
  const auto last_row = text.rfind('\n', text.size() - 2);
  if (last_row != std::string::npos) last_number_ = number_of(text.substr(last_row + 1));
  file_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file_ >= 0) return;
  const int error = errno;
  throw IoError(
      fmt::format("cannot open {}: {}; {}", path_.string(), std::strerror(error), write_advice(error)));
}

CsvFile::~CsvFile() {
  close(file_);
}

void CsvFile::append(const std::vector<std::string>& fields) {
  if (fields.size() != columns_) {
    throw ArgumentError(
        fmt::format("a row of {} has {} fields; expected {}", path_.string(), fields.size(), columns_));
  }
  CsvRow row = fields;
  row.resize(columns_ + other_columns_);
  const std::string line = csv_line(row);
  const auto write_row = [&]() -> int {
    // What an earlier failure left of a row, if it could not be taken away then.
    if (lseek(file_, 0, SEEK_END) != end_ && ftruncate(file_, end_) != 0) return errno;
    const ssize_t written = write(file_, line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) return 0;
    const int error = written < 0 ? errno : ENOSPC;
    if (written > 0 && ftruncate(file_, end_) != 0) {
      // The half row stays until the next row, or a resumed run drops it.
    }
    return error;
  };
  if (const int error = write_row(); error != 0) {
    log_failure(error);
    return;
  }
  end_ += static_cast<off_t>(line.size());
  last_number_ = number_of(line);
}

void CsvFile::sync() {
  // A pipe or a special file has nothing to sync.
  if (fdatasync(file_) != 0 && errno != EINVAL) log_failure(errno);
}

void CsvFile::log_failure(int error) {
  if (!failure_logged_) {
    log(LogLevel::kError,
        "cannot write to {}: {}; the run goes on without these rows and tries again with each; {}",
        path_.string(), std::strerror(error), write_advice(error));
  }
  failure_logged_ = true;
}

}  // namespace genkidama::run
