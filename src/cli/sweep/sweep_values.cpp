#include "cli/sweep/sweep_values.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/options/interval_text.h"
#include "core/spelling.h"
#include "genkidama/core/error.h"
#include "run/sweep/definition.h"

namespace genkidama::cli {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    parts.push_back(trimmed(text.substr(start, end - start)));
    start = end + 1;
  }
  return parts;
}

// `given` is the flag and its text, for errors.
SweepValue parse_value(const std::string& text, const std::string& given, const char* expected) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) throw ArgumentError(fmt::format("{}; expected {}", given, expected));
  SweepValue value{option_spelling(trimmed(text.substr(0, equals))), trimmed(text.substr(equals + 1))};
  if (value.option.empty() || value.value.empty()) {
    throw ArgumentError(fmt::format("{}: a name or a value is empty; expected {}", given, expected));
  }
  if (!run::fits_a_directory_name(value.value)) {
    throw ArgumentError(
        fmt::format("{}: the value '{}' cannot be part of a directory's name", given, value.value));
  }
  check_not_reserved(value.option, given);
  return value;
}

std::string reserved_reason(const std::string& option) {
  if (option == "seed") return "the seeds of a sweep come from --seeds";
  if (option == "run-dir") return "each run has a directory of its own in the sweep's";
  if (option == "resume") return "a sweep goes on when it is called again with the same --run-dir";
  if (option == "config") return "a file is given once, for all runs";
  if (option == "eval-episodes" || option == "eval-seed" || option == "greedy") {
    return "all runs of a sweep are evaluated alike";
  }
  return "";
}

void check_not_reserved(const std::string& option, const std::string& given) {
  if (const std::string reason = reserved_reason(option); !reason.empty()) {
    throw ArgumentError(fmt::format("{}: '{}' cannot be varied: {}", given, option, reason));
  }
}

}  // namespace genkidama::cli
