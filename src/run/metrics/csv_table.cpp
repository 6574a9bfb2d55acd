#include "run/metrics/csv_table.h"

#include <algorithm>
#include <fstream>

namespace genkidama::run {
namespace {

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
  CsvRow fields(1);
  bool in_quotes = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && in_quotes && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"') {
      in_quotes = !in_quotes;
    } else if (c == ',' && !in_quotes) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
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

std::optional<std::size_t> CsvTable::column(const std::string& name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) return {};
  return static_cast<std::size_t>(found - columns.begin());
}

std::string CsvTable::field(const CsvRow& row, const std::string& name) const {
  const auto place = column(name);
  return place ? row[*place] : "";
}

std::optional<CsvTable> read_csv(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!file || !std::getline(file, line)) return {};
  CsvTable table;
  table.columns = fields_of(line);
  while (std::getline(file, line) && !file.eof()) {
    CsvRow row = fields_of(line);
    if (row.size() == table.columns.size()) table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace genkidama::run
