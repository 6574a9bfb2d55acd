#include "core/spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace genkidama {
namespace {

// Letters to insert, to remove, to replace, or to swap with their neighbour (optimal string alignment).
std::size_t mistakes_between(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> counts(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) counts[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) counts[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = counts[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      counts[i][j] = std::min({replaced, counts[i - 1][j] + 1, counts[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        counts[i][j] = std::min(counts[i][j], counts[i - 2][j - 2] + 1);
      }
    }
  }
  return counts[a.size()][b.size()];
}

}  // namespace

std::string option_spelling(const std::string& name) {
  std::string spelling = name;
  std::replace(spelling.begin(), spelling.end(), '_', '-');
  return spelling;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& names) {
  constexpr std::size_t kLongest = 64;
  if (word.size() > kLongest) return "";
  const std::string* nearest = nullptr;
  std::size_t fewest = word.size() / 3 + 1;
  for (const std::string& name : names) {
    const std::size_t mistakes = mistakes_between(option_spelling(word), option_spelling(name));
    if (mistakes >= fewest) continue;
    fewest = mistakes;
    nearest = &name;
  }
  return nearest != nullptr ? fmt::format(" (did you mean '{}'?)", *nearest) : "";
}

}  // namespace genkidama
