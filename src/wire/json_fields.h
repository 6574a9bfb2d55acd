#pragma once

// Reads the fields of one JSON object from a peer: the first thing wrong is kept as the reason.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace genkidama {

class JsonFields {
 public:
  /// `object` must be a JSON object and outlive this.
  explicit JsonFields(const nlohmann::json& object) : object_(object) {}

  bool ok() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }
  /// Keeps the first reason only.
  void fail(std::string reason);

  /// At most kMaxJsonInteger; 0 when missing and not required.
  std::uint64_t integer(const char* key, bool required);
  /// Nothing when missing.
  std::optional<std::uint64_t> optional_integer(const char* key);
  /// Printable ASCII of at most kMaxNameBytes. A missing one is an error only when required.
  std::string name(const char* key, bool required);
  /// Any UTF-8 up to kMaxReasonBytes; control characters become '?'. A missing one is an error only when
  /// required.
  std::string text(const char* key, bool required);
  /// As name() for each; a missing array is an empty one.
  std::vector<std::string> names(const char* key);
  /// Required; nullptr, and the reason set, when missing or not an array.
  const nlohmann::json* array(const char* key);
  /// nullptr when missing, or, with the reason set, when it is not an object.
  const nlohmann::json* object(const char* key);

 private:
  const nlohmann::json* find(const char* key, bool required);

  const nlohmann::json& object_;
  std::string reason_;
};

}  // namespace genkidama
