#include "run/directory/json_file.h"

#include "genkidama/core/atomic_file.h"

namespace genkidama::run {

std::string json_text(const nlohmann::ordered_json& value) {
  return value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void write_json_file(const std::filesystem::path& path, const nlohmann::ordered_json& value) {
  write_file_atomically(path, json_text(value));
}

}  // namespace genkidama::run
