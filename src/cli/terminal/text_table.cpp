#include "cli/terminal/text_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace genkidama::cli {

std::string aligned_table(const std::vector<std::string>& columns,
                          const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    widths.push_back(columns[i].size());
    for (const auto& row : rows) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    text += fmt::format("{:<{}}", row[0], widths[0]);
    for (std::size_t i = 1; i < row.size(); ++i) text += fmt::format("  {:>{}}", row[i], widths[i]);
    text += '\n';
  };
  add(columns);
  for (const auto& row : rows) add(row);
  return text;
}

}  // namespace genkidama::cli
