#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/json_file.h"
#include "support/run_program.h"
#include "support/temporary_directory.h"

namespace genkidama::test {

/// The words of a call of the test program.
template <typename... Words>
std::vector<std::string> call(const Words&... words) {
  return {GENKIDAMA_TEST_PROGRAM, std::string(words)...};
}

/// Words and then more words.
inline std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// Rows of a CSV file without its quoting rules, the header first.
inline std::vector<std::vector<std::string>> csv_of(const std::filesystem::path& path) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(file_text(path));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    rows.emplace_back();
    for (std::string field; std::getline(fields, field, ',');) rows.back().push_back(field);
  }
  return rows;
}

/// The place of a column in a table with its header.
inline std::size_t column_of(const std::vector<std::vector<std::string>>& table, const std::string& name) {
  const auto found = std::find(table[0].begin(), table[0].end(), name);
  REQUIRE(found != table[0].end());
  return static_cast<std::size_t>(found - table[0].begin());
}

/// The same without the columns that tell the time.
inline std::vector<std::vector<std::string>> timeless_csv_of(const std::filesystem::path& path) {
  auto rows = csv_of(path);
  for (auto& row : rows) row.erase(row.begin() + 2, row.begin() + 4);
  return rows;
}

/// The port at which a Parent or a Child listens, once it does; empty when it ends before.
inline std::string listening_port(RunningProgram& program) {
  const std::string told = "listens on port ";
  program.wait_for_error_text(told);
  const auto at = program.errors().find(told);
  if (at == std::string::npos) return "";
  const auto start = at + told.size();
  return program.errors().substr(start, program.errors().find_first_not_of("0123456789", start) - start);
}

/// Waits until the checkpoint of update 10 is there. Whether it came; the program was told
/// --checkpoint-every 10.
inline bool wait_for_tenth_update(RunningProgram& program, const std::filesystem::path& run) {
  const auto checkpoint = run / "checkpoints" / "update_000010.safetensors";
  return program.wait_until([&] { return std::filesystem::exists(checkpoint); });
}

}  // namespace genkidama::test
