#include "run/metrics/csv_table.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <utility>

#include "run/metrics/csv_reader.h"

namespace genkidama::run {
namespace {

// Most rows are shorter.
constexpr std::streamoff kFirstSpan = 1024;

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text(1, '"');
  for (const char c : field) {
    if (c == '"') text += '"';
    text += c == '\n' || c == '\r' ? ' ' : c;
  }
  text += '"';
  return text;
}

CsvRow fields_of(const std::string& line) {
  CsvRow fields;
  split_csv_line(line, fields);
  return fields;
}

std::string text_between(std::ifstream& file, std::streamoff start, std::streamoff end) {
  std::string text(static_cast<std::size_t>(end - start), '\0');
  file.clear();
  file.seekg(start);
  file.read(text.data(), end - start);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// Of the lines that have their end.
std::optional<CsvRow> last_row_in(const std::string& text, std::size_t columns) {
  std::size_t end = text.rfind('\n');
  while (end != std::string::npos) {
    const std::size_t before = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
    const std::size_t start = before == std::string::npos ? 0 : before + 1;
    CsvRow row = fields_of(text.substr(start, end - start));
    if (row.size() == columns) return row;
    end = before;
  }
  return {};
}

}  // namespace

std::string csv_line(const CsvRow& fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    line += quoted(fields[i]);
  }
  line += '\n';
  return line;
}

void split_csv_line(std::string_view line, CsvRow& fields) {
  std::size_t count = 0;
  const auto begin_field = [&] {
    if (count == fields.size()) fields.emplace_back();
    fields[count++].clear();
  };
  begin_field();
  bool in_quotes = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && in_quotes && i + 1 < line.size() && line[i + 1] == '"') {
      fields[count - 1] += line[++i];
    } else if (c == '"') {
      in_quotes = !in_quotes;
    } else if (c == ',' && !in_quotes) {
      begin_field();
    } else {
      fields[count - 1] += c;
    }
  }
  fields.resize(count);
}

std::optional<std::size_t> place_of_column(const CsvRow& columns, const std::string& name) {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) return {};
  return static_cast<std::size_t>(found - columns.begin());
}

std::optional<double> number_in(const std::string& field) {
  double value = 0;
  const auto result = std::from_chars(field.data(), field.data() + field.size(), value);
  return result.ec == std::errc() ? std::optional<double>(value) : std::nullopt;
}

std::optional<std::size_t> CsvTable::column(const std::string& name) const {
  return place_of_column(columns, name);
}

std::string CsvTable::field(const CsvRow& row, const std::string& name) const {
  const auto place = column(name);
  return place ? row[*place] : "";
}

std::optional<CsvTable> read_csv(const std::filesystem::path& path) {
  // A row of returns is as long as an evaluation has episodes.
  CsvReader reader(path, std::numeric_limits<std::size_t>::max());
  if (reader.columns().empty()) return {};
  CsvTable table{reader.columns(), {}};
  for (CsvRow row; reader.next(row);) table.rows.push_back(std::move(row));
  return table;
}

std::optional<CsvTable> read_last_row(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!file || !std::getline(file, line) || file.eof()) return {};
  CsvTable table;
  table.columns = fields_of(line);
  const std::streamoff rows = file.tellg();
  file.seekg(0, std::ios::end);
  const std::streamoff end = file.tellg();
  // More and more of the table's end, until a whole row is in it.
  for (std::streamoff span = kFirstSpan;; span *= 2) {
    const std::streamoff start = std::max(rows, end - span);
    std::string text = text_between(file, start, end);
    // The first line may have begun before.
    if (start > rows) text.erase(0, text.find('\n') == std::string::npos ? text.size() : text.find('\n') + 1);
    if (auto row = last_row_in(text, table.columns.size())) {
      table.rows.push_back(std::move(*row));
      return table;
    }
    if (start == rows) return {};
  }
}

}  // namespace genkidama::run
