#pragma once

#include <nlohmann/json.hpp>

#include "support/run_program.h"

inline nlohmann::json json_of(const std::filesystem::path& path) {
  return nlohmann::json::parse(file_text(path));
}
