#pragma once

#include <nlohmann/json.hpp>

#include "support/run_program.h"

namespace genkidama::test {

inline nlohmann::json json_of(const std::filesystem::path& path) {
  return nlohmann::json::parse(file_text(path));
}

}  // namespace genkidama::test
