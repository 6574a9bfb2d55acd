#include "rl/policy_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>

#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"

namespace genkidama {
namespace {

constexpr const char* kEnvironment = "environment";
constexpr const char* kNetwork = "network";
constexpr const char* kObservation = "observation_shape";  // "3 84 84"
constexpr const char* kPolicy = "policy_outputs";
constexpr const char* kValues = "value_outputs";
constexpr const char* kActionWidth = "action_width";
// Of state.safetensors, now and in versions before; no policy has them.
constexpr const char* kState = "state_format";
constexpr const char* kOlderState = "optimizer_steps";

using Metadata = std::map<std::string, std::string>;

std::string dimensions_text(const std::vector<int>& dimensions) {
  std::string text;
  for (const int dimension : dimensions) text += fmt::format("{}{}", text.empty() ? "" : " ", dimension);
  return text;
}

/// Reads the fields of one file.
class Fields {
 public:
  Fields(const std::filesystem::path& path, const Metadata& metadata) : path_(path), metadata_(metadata) {}

  std::string text(const char* key) const {
    const auto field = metadata_.find(key);
    return field == metadata_.end() ? "" : field->second;
  }
  bool has(const char* key) const { return metadata_.contains(key); }

  int number(const char* key, int lowest) const {
    const std::string field = text(key);
    return number(key, field, lowest);
  }

  std::vector<int> dimensions(const char* key) const {
    const std::string field = text(key);
    std::vector<int> result;
    std::int64_t product = 1;
    for (std::string_view rest = field; result.empty() || !rest.empty();) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      result.push_back(number(key, rest.substr(0, end), 1));
      product *= result.back();
      if (product > std::numeric_limits<int>::max()) refuse(key);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (dimensions_text(result) != field) refuse(key);
    return result;
  }

 private:
  int number(const char* key, std::string_view word, int lowest) const {
    int value = 0;
    const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
    if (result.ec != std::errc() || result.ptr != word.data() + word.size() || value < lowest) refuse(key);
    return value;
  }

  [[noreturn]] void refuse(const char* key) const {
    throw FormatError(fmt::format("'{}' does not say what policy it holds: its metadata's '{}' is '{}'",
                                  path_.string(), key, text(key)));
  }

  const std::filesystem::path& path_;
  const Metadata& metadata_;
};

}  // namespace

std::map<std::string, std::string> to_metadata(const PolicyRecord& record) {
  Metadata metadata;
  if (!record.environment.empty()) metadata[kEnvironment] = to_utf8(record.environment);
  if (!record.network.empty()) metadata[kNetwork] = to_utf8(record.network);
  if (record.sizes) {
    metadata[kObservation] = dimensions_text(record.sizes->observation);
    metadata[kPolicy] = fmt::format("{}", record.sizes->policy);
    metadata[kValues] = fmt::format("{}", record.sizes->values);
  }
  if (record.action_width) metadata[kActionWidth] = fmt::format("{}", *record.action_width);
  return metadata;
}

PolicyRecord policy_record(const std::filesystem::path& path, const Metadata& metadata) {
  const Fields fields(path, metadata);
  if (fields.has(kState) || fields.has(kOlderState)) {
    throw FormatError(
        fmt::format("'{}' is the state of a run, which holds more than a policy; expected final.safetensors, "
                    "best.safetensors or a file of the run's checkpoints/",
                    path.string()));
  }
  PolicyRecord record;
  record.environment = fields.text(kEnvironment);
  record.network = fields.text(kNetwork);
  if (fields.has(kObservation)) {
    record.sizes =
        NetworkSpec{fields.dimensions(kObservation), fields.number(kPolicy, 1), fields.number(kValues, 0)};
  }
  if (fields.has(kActionWidth))
    record.action_width = static_cast<std::size_t>(fields.number(kActionWidth, 1));
  return record;
}

void check_same_network(const std::filesystem::path& path, const PolicyRecord& record,
                        const std::string& network) {
  if (record.network.empty() || network.empty() || record.network == to_utf8(network)) return;
  throw LayoutError(
      fmt::format("'{}' is a checkpoint of another network: it holds '{}', and this network is '{}'",
                  path.string(), record.network, network));
}

}  // namespace genkidama
