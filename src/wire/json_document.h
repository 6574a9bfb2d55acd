#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace genkidama {

/// A JSON object that a peer sent. The JSON library's destructor asks for memory for whatever holds
/// something, and ends the program when there is none; this empties it from the leaves first, which takes
/// none.
class JsonDocument {
 public:
  /// Refuses deep nesting, a key given twice and anything but an object; then `reason` is set. Throws
  /// std::bad_alloc.
  JsonDocument(std::string_view text, std::string& reason);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  const nlohmann::json& root() const { return root_; }

 private:
  nlohmann::json root_;
};

/// A text in quotation marks, as it stands in JSON; what is no UTF-8 is replaced.
std::string json_quoted(std::string_view text);

}  // namespace genkidama
