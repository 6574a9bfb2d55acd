#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/run_program.h"

namespace genkidama::test {

/// A call that must be refused: exit code 2, nothing on standard output, one line that says `expected`.
inline ProgramResult check_bad_argument(const std::vector<std::string>& words, const std::string& expected) {
  const ProgramResult result = run_program(words);
  CAPTURE(words, result.errors);
  CHECK(result.exit_code == 2);
  CHECK(result.output.empty());
  CHECK(result.errors.find("error: ") == 0);
  CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
  CHECK(result.errors.find(expected) != std::string::npos);
  return result;
}

}  // namespace genkidama::test
