#pragma once

// The text of JSON that is sent.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "wire/json_document.h"

namespace genkidama {

/// The text of a JSON object, its members in alphabetical order. The keys must outlive it.
class JsonText {
 public:
  void add(std::string_view key, std::string_view text) { add_as_is(key, json_quoted(text)); }
  void add(std::string_view key, std::uint64_t number) { add_as_is(key, std::to_string(number)); }
  void add_as_is(std::string_view key, std::string json_text) { members_[key] = std::move(json_text); }

  std::string text() const {
    std::string text;
    for (const auto& [key, value] : members_) {
      text += text.empty() ? '{' : ',';
      text += json_quoted(key);
      text += ':';
      text += value;
    }
    return text + '}';
  }

 private:
  std::map<std::string_view, std::string> members_;
};

template <typename List, typename Write>
std::string json_list(const List& list, const Write& write) {
  std::string text = "[";
  for (const auto& element : list) {
    if (text.size() > 1) text += ',';
    text += write(element);
  }
  return text + ']';
}

}  // namespace genkidama
