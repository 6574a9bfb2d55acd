#include "cli/csv_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "cli/csv_table.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"

namespace genkidama::cli {
namespace {

bool is_kept(const std::string& line, std::uint64_t keep_until) {
  std::uint64_t number = 0;
  const auto result = std::from_chars(line.data(), line.data() + line.size(), number);
  return result.ec == std::errc() && number <= keep_until;
}

// Nothing when there is no file: the run to go on with had not written a row.
std::optional<std::string> kept_rows(const std::filesystem::path& path, const std::string& header,
                                     std::uint64_t keep_until) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  std::string line;
  std::getline(file, line);
  if (line + '\n' != header) {
    throw FormatError(fmt::format("{}: the columns are not those of this version; expected {}", path.string(),
                                  header.substr(0, header.size() - 1)));
  }
  std::string kept = header;
  // A last line without its end was cut off by a kill.
  while (std::getline(file, line) && !file.eof()) {
    if (is_kept(line, keep_until)) kept += line + '\n';
  }
  return kept;
}

}  // namespace

CsvFile::CsvFile(std::filesystem::path path, std::vector<std::string> columns,
                 std::optional<std::uint64_t> keep_until)
    : path_(std::move(path)), columns_(columns.size()) {
  const std::string header = csv_line(columns);
  std::string text = header;
  if (keep_until) text = kept_rows(path_, header, *keep_until).value_or(header);
  write_file_atomically(path_, text);
  file_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file_ < 0) throw IoError(fmt::format("cannot open {}: {}", path_.string(), std::strerror(errno)));
}

CsvFile::~CsvFile() {
  close(file_);
}

void CsvFile::append(const std::vector<std::string>& fields) {
  if (fields.size() != columns_) {
    throw ArgumentError(
        fmt::format("a row of {} has {} fields; expected {}", path_.string(), fields.size(), columns_));
  }
  const std::string line = csv_line(fields);
  const off_t end = lseek(file_, 0, SEEK_END);
  const ssize_t written = write(file_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return;
  const int error = written < 0 ? errno : ENOSPC;
  if (written > 0 && ftruncate(file_, end) != 0) {
    // The half row stays; a resumed run drops it.
  }
  if (!failure_logged_) {
    log(LogLevel::kError, "cannot write to {}: {}; the run goes on without these rows", path_.string(),
        std::strerror(error));
  }
  failure_logged_ = true;
}

}  // namespace genkidama::cli
