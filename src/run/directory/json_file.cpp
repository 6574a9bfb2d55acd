#include "run/directory/json_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <system_error>

#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"

namespace genkidama::run {
namespace {

constexpr std::uintmax_t kMostBytes = 64 << 20;
constexpr int kMostLevels = 64;

}  // namespace

std::string json_text(const nlohmann::ordered_json& value) {
  return value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string json_problem(const nlohmann::json::exception& error, std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return "it is not JSON: it is empty";
  if (const auto* unread = dynamic_cast<const nlohmann::json::parse_error*>(&error)) {
    const std::string_view before = text.substr(0, unread->byte > 0 ? unread->byte - 1 : 0);
    const auto line_start = before.rfind('\n') + 1;  // 0 without one
    return fmt::format("it is not JSON from line {}, column {} on",
                       1 + std::count(before.begin(), before.end(), '\n'), 1 + before.size() - line_start);
  }
  if (dynamic_cast<const nlohmann::json::out_of_range*>(&error) != nullptr) {
    return "a number in it is too large, or a value is missing";
  }
  return "a value in it is missing or of another type";
}

std::optional<nlohmann::ordered_json> read_json_object(const std::filesystem::path& path) {
  std::error_code error;
  // Opening a pipe would wait for its writer.
  if (!std::filesystem::is_regular_file(path, error)) return {};
  if (std::filesystem::file_size(path, error) > kMostBytes || error) return {};
  std::ifstream file(path, std::ios::binary);
  const auto keep = [](int depth, nlohmann::ordered_json::parse_event_t, nlohmann::ordered_json&) {
    return depth <= kMostLevels;
  };
  auto value = nlohmann::ordered_json::parse(file, keep, /*allow_exceptions=*/false);
  if (!value.is_object()) return {};
  return value;
}

void check_json_object(std::string_view option, const std::string& text) {
  if (text.empty() || nlohmann::json::parse(text, nullptr, false).is_object()) return;
  throw ArgumentError(
      fmt::format("{} is '{:.60}'; expected the text of a JSON object, or none", option, text));
}

void write_json_file(const std::filesystem::path& path, const nlohmann::ordered_json& value) {
  write_file_atomically(path, json_text(value));
}

}  // namespace genkidama::run
