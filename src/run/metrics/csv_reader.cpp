#include "run/metrics/csv_reader.h"

#include <algorithm>
#include <cstring>
#include <system_error>

namespace genkidama::run {
namespace {

constexpr std::size_t kFirstBuffer = 1 << 16;

}  // namespace

CsvReader::CsvReader(const std::filesystem::path& path, std::size_t longest_line)
    : longest_line_(std::max<std::size_t>(longest_line, 1)), buffer_(std::min(kFirstBuffer, longest_line_)) {
  // Opening a pipe would wait for its writer.
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return;
  file_.open(path, std::ios::binary);
  std::string_view line;
  // A first line that was too long names no columns, and the second one is none of it.
  if (next_line(line) && left_out_ == 0) split_csv_line(line, columns_);
}

std::optional<std::size_t> CsvReader::column(const std::string& name) const {
  return place_of_column(columns_, name);
}

bool CsvReader::next(CsvRow& row) {
  if (columns_.empty()) return false;
  for (std::string_view line; next_line(line);) {
    split_csv_line(line, row);
    if (row.size() == columns_.size()) return true;
    ++left_out_;
  }
  return false;
}

bool CsvReader::next_line(std::string_view& line) {
  for (std::size_t looked_at = 0;;) {
    const char* const text = buffer_.data() + begin_;
    const auto* const found =
        static_cast<const char*>(std::memchr(text + looked_at, '\n', end_ - begin_ - looked_at));
    if (found == nullptr) {
      looked_at = end_ - begin_;
      if (!read_more()) return false;
      if (skips_) looked_at = 0;
      continue;
    }
    line = std::string_view(text, static_cast<std::size_t>(found - text));
    begin_ += line.size() + 1;
    looked_at = 0;
    if (!skips_) return true;
    skips_ = false;
    ++left_out_;
  }
}

bool CsvReader::read_more() {
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
  end_ -= begin_;
  begin_ = 0;
  if (end_ == longest_line_) skips_ = true;
  if (skips_) {
    end_ = 0;
  } else if (end_ == buffer_.size()) {
    buffer_.resize(std::min(2 * buffer_.size(), longest_line_));
  }
  file_.read(buffer_.data() + end_, static_cast<std::streamsize>(buffer_.size() - end_));
  end_ += static_cast<std::size_t>(file_.gcount());
  return file_.gcount() > 0;
}

}  // namespace genkidama::run
