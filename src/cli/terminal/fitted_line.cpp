#include "cli/terminal/fitted_line.h"

#include <algorithm>

#include "genkidama/core/utf8.h"

namespace genkidama::cli {
namespace {

// Bytes that begin a character; names of files may hold others than ASCII.
std::size_t characters_in(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & '\xC0') != '\x80'; }));
}

std::string joined(const std::vector<LinePart>& parts) {
  std::string line;
  for (const LinePart& part : parts) line += (line.empty() ? "" : "  ") + part.text;
  return line;
}

}  // namespace

std::string fitted_line(std::vector<LinePart> parts, std::size_t columns) {
  std::string line = joined(parts);
  while (characters_in(line) > columns && parts.size() > 1) {
    // The last of equals: what comes first in the line is what it is about.
    const auto least =
        std::max_element(parts.rbegin(), parts.rend(),
                         [](const auto& left, const auto& right) { return left.rank < right.rank; });
    parts.erase(std::prev(least.base()));
    line = joined(parts);
  }
  for (std::size_t bytes = line.size(); characters_in(line) > columns;) {
    line = std::string(cut_utf8(line, --bytes));
  }
  return line;
}

}  // namespace genkidama::cli
