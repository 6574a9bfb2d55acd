#include "wire/json_fields.h"

#include <fmt/format.h>

#include <utility>

#include "genkidama/wire/message.h"
#include "genkidama/wire/protocol.h"

namespace genkidama {

using nlohmann::json;

void JsonFields::fail(std::string reason) {
  if (reason_.empty()) reason_ = std::move(reason);
}

const json* JsonFields::find(const char* key, bool required) {
  const auto found = object_.find(key);
  if (found != object_.end()) return &*found;
  if (required) fail(fmt::format("'{}' is missing", key));
  return nullptr;
}

std::uint64_t JsonFields::integer(const char* key, bool required) {
  const json* value = find(key, required);
  if (value == nullptr) return 0;
  if (!value->is_number_unsigned() || value->get<std::uint64_t>() > kMaxJsonInteger) {
    fail(fmt::format("'{}' is not an integer from 0 to 2^53-1", key));
    return 0;
  }
  return value->get<std::uint64_t>();
}

std::optional<std::uint64_t> JsonFields::optional_integer(const char* key) {
  if (find(key, false) == nullptr) return std::nullopt;
  return integer(key, true);
}

std::string JsonFields::name(const char* key, bool required) {
  const json* value = find(key, required);
  if (value == nullptr) return {};
  const auto* text = value->get_ptr<const std::string*>();
  if (text == nullptr || !(text->empty() || valid_peer_name(*text))) {
    fail(fmt::format("'{}' is not a text of at most {} printable ASCII characters", key, kMaxNameBytes));
    return {};
  }
  return *text;
}

std::string JsonFields::text(const char* key, bool required) {
  const json* value = find(key, required);
  if (value == nullptr) return {};
  const auto* text = value->get_ptr<const std::string*>();
  if (text == nullptr || text->size() > kMaxReasonBytes) {
    fail(fmt::format("'{}' is not a text of at most {} bytes", key, kMaxReasonBytes));
    return {};
  }
  return printable(*text);
}

std::vector<std::string> JsonFields::names(const char* key) {
  std::vector<std::string> result;
  const json* value = find(key, false);
  if (value == nullptr) return result;
  if (!value->is_array() || value->size() > kMaxCapabilities) {
    fail(fmt::format("'{}' is not an array of at most {} texts", key, kMaxCapabilities));
    return result;
  }
  for (const json& entry : *value) {
    const auto* text = entry.get_ptr<const std::string*>();
    if (text == nullptr || !valid_peer_name(*text)) {
      fail(fmt::format("'{}' holds something else than a short printable text", key));
      return {};
    }
    result.push_back(*text);
  }
  return result;
}

const json* JsonFields::array(const char* key) {
  const json* value = find(key, true);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    fail(fmt::format("'{}' is not an array", key));
    return nullptr;
  }
  return value;
}

const json* JsonFields::object(const char* key) {
  const json* value = find(key, false);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) {
    fail(fmt::format("'{}' is not an object", key));
    return nullptr;
  }
  return value;
}

}  // namespace genkidama
