#pragma once

// Fields in the metadata of a file that say which task it belongs to: policies and demonstrations alike.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/action_space.h"

namespace genkidama {

namespace metadata_key {
inline constexpr const char* kEnvironment = "environment";
inline constexpr const char* kObservation = "observation_shape";  // "3 84 84"
inline constexpr const char* kChoices = "action_choices";         // "3 2"
inline constexpr const char* kLow = "action_low";                 // "-1 -inf"
inline constexpr const char* kHigh = "action_high";
}  // namespace metadata_key

using Metadata = std::map<std::string, std::string>;

template <typename T>
std::string list_text(const std::vector<T>& values) {
  return fmt::format("{}", fmt::join(values, " "));
}

/// Reads the fields of one file.
class MetadataFields {
 public:
  /// `problem` says what the file fails to do when a field is wrong: "does not say what policy it holds".
  /// `path` and `metadata` outlive the object.
  MetadataFields(const std::filesystem::path& path, const Metadata& metadata, std::string problem)
      : path_(path), metadata_(metadata), problem_(std::move(problem)) {}

  std::string text(const char* key) const {
    const auto field = metadata_.find(key);
    return field == metadata_.end() ? "" : field->second;
  }
  bool has(const char* key) const { return metadata_.contains(key); }

  int number(const char* key, int lowest) const {
    const std::string word = text(key);
    int value = 0;
    const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
    if (result.ec != std::errc() || result.ptr != word.data() + word.size() || value < lowest) refuse(key);
    return value;
  }

  std::vector<int> dimensions(const char* key) const {
    const std::vector<int> result = list<int>(key);
    std::int64_t product = 1;
    for (const int dimension : result) {
      product *= dimension;
      if (dimension < 1 || product > std::numeric_limits<int>::max()) refuse(key);
    }
    if (result.empty()) refuse(key);
    return result;
  }

  /// Numbers between single spaces, as list_text() writes them.
  template <typename T>
  std::vector<T> list(const char* key) const {
    const std::string field = text(key);
    std::vector<T> result;
    for (std::string_view rest = field; !rest.empty();) {
      const std::string_view word = rest.substr(0, rest.find(' '));
      T value{};
      const auto read = std::from_chars(word.data(), word.data() + word.size(), value);
      if (read.ec != std::errc()) refuse(key);
      result.push_back(value);
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
    if (list_text(result) != field) refuse(key);
    return result;
  }

  ActionSpace action_space() const {
    ActionSpace space{list<int>(metadata_key::kChoices), list<float>(metadata_key::kLow),
                      list<float>(metadata_key::kHigh)};
    try {
      check_action_space("the action space", space);
    } catch (const ArgumentError& error) {
      throw FormatError(fmt::format("'{}' {}: by its metadata {}", path_.string(), problem_, error.what()));
    }
    return space;
  }

  [[noreturn]] void refuse(const char* key) const {
    throw FormatError(
        fmt::format("'{}' {}: its metadata's '{}' is '{}'", path_.string(), problem_, key, text(key)));
  }

 private:
  const std::filesystem::path& path_;
  const Metadata& metadata_;
  std::string problem_;
};

}  // namespace genkidama
