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
constexpr const char* kFree = "free_outputs";
constexpr const char* kFreeName = "free_outputs_name";
constexpr const char* kCritics = "critics";
constexpr const char* kCriticActions = "critic_actions";
constexpr const char* kNoisy = "noisy_layers";  // "1"
constexpr const char* kActionWidth = "action_width";
constexpr const char* kChoices = "action_choices";  // "3 2"
constexpr const char* kLow = "action_low";          // "-1 -inf"
constexpr const char* kHigh = "action_high";
constexpr const char* kBehaviour = "behaviour";
constexpr const char* kNormalisation = "normalisation";  // "observations rewards 10"
constexpr const char* kStatistics = "observation_statistics";
// Of state.safetensors, now and in versions before; no policy has them.
constexpr const char* kState = "state_format";
constexpr const char* kOlderState = "optimizer_steps";

using Metadata = std::map<std::string, std::string>;

template <typename T>
std::string list_text(const std::vector<T>& values) {
  return fmt::format("{}", fmt::join(values, " "));
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

  [[noreturn]] void refuse(const char* key) const {
    throw FormatError(fmt::format("'{}' does not say what policy it holds: its metadata's '{}' is '{}'",
                                  path_.string(), key, text(key)));
  }

 private:
  int number(const char* key, std::string_view word, int lowest) const {
    int value = 0;
    const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
    if (result.ec != std::errc() || result.ptr != word.data() + word.size() || value < lowest) refuse(key);
    return value;
  }

  const std::filesystem::path& path_;
  const Metadata& metadata_;
};

ActionSpace action_space_of(const std::filesystem::path& path, const Fields& fields) {
  ActionSpace space{fields.list<int>(kChoices), fields.list<float>(kLow), fields.list<float>(kHigh)};
  try {
    check_action_space("the action space", space);
  } catch (const ArgumentError& error) {
    throw FormatError(fmt::format("'{}' does not say what policy it holds: by its metadata {}", path.string(),
                                  error.what()));
  }
  return space;
}

}  // namespace

std::map<std::string, std::string> to_metadata(const PolicyRecord& record) {
  Metadata metadata;
  if (!record.environment.empty()) metadata[kEnvironment] = to_utf8(record.environment);
  if (!record.network.empty()) metadata[kNetwork] = to_utf8(record.network);
  if (record.sizes) {
    metadata[kObservation] = list_text(record.sizes->observation);
    metadata[kPolicy] = fmt::format("{}", record.sizes->policy);
    metadata[kValues] = fmt::format("{}", record.sizes->values);
    if (record.sizes->free > 0) {
      metadata[kFree] = fmt::format("{}", record.sizes->free);
      if (record.sizes->free_name != NetworkSpec().free_name) {
        metadata[kFreeName] = to_utf8(record.sizes->free_name);
      }
    }
    if (record.sizes->critics > 0) {
      metadata[kCritics] = fmt::format("{}", record.sizes->critics);
      metadata[kCriticActions] = fmt::format("{}", record.sizes->critic_actions);
    }
  }
  if (record.sizes && record.sizes->noisy) metadata.emplace(kNoisy, "1");
  if (record.action_width) metadata[kActionWidth] = fmt::format("{}", *record.action_width);
  if (record.actions) {
    metadata[kChoices] = list_text(record.actions->choices);
    metadata[kLow] = list_text(record.actions->low);
    metadata[kHigh] = list_text(record.actions->high);
  }
  if (!record.behaviour.empty()) metadata[kBehaviour] = to_utf8(record.behaviour);
  if (record.normalisation) {
    metadata[kNormalisation] = normalisation_kind_text(*record.normalisation);
    metadata[kStatistics] = statistics_text(record.normalisation->statistics);
  }
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
    if (fields.has(kFree)) record.sizes->free = fields.number(kFree, 1);
    if (record.sizes->free >= record.sizes->policy) fields.refuse(kFree);
    if (fields.has(kFreeName)) record.sizes->free_name = fields.text(kFreeName);
    if (fields.has(kCritics)) {
      record.sizes->critics = fields.number(kCritics, 1);
      record.sizes->critic_actions = fields.number(kCriticActions, 1);
    }
    record.sizes->noisy = fields.has(kNoisy);
    if (record.sizes->noisy && (fields.text(kNoisy) != "1" || record.sizes->critics > 0))
      fields.refuse(kNoisy);
  }
  if (fields.has(kActionWidth))
    record.action_width = static_cast<std::size_t>(fields.number(kActionWidth, 1));
  if (fields.has(kChoices)) record.actions = action_space_of(path, fields);
  record.behaviour = fields.text(kBehaviour);
  if (fields.has(kNormalisation) || fields.has(kStatistics)) {
    const int size = record.sizes ? record.sizes->observation_size() : 0;
    record.normalisation = read_normalisation(fields.text(kNormalisation), fields.text(kStatistics),
                                              static_cast<std::size_t>(size));
    if (!record.normalisation) {
      throw FormatError(fmt::format(
          "'{}' does not say what its policy's observations are normalised with: expected '{}' as "
          "\"observations CLIP\" and '{}' as a count, means and sums of squares of observations of {} floats "
          "and of the return",
          path.string(), kNormalisation, kStatistics, size));
    }
  }
  return record;
}

void check_same_network(const std::filesystem::path& path, const PolicyRecord& record,
                        const std::string& network) {
  if (record.network.empty() || network.empty() || record.network == to_utf8(network)) return;
  throw LayoutError(
      fmt::format("'{}' is a checkpoint of another network: it holds '{}', and this network is '{}'",
                  path.string(), record.network, network));
}

void check_statistics_fit(const std::filesystem::path& path, const PolicyRecord& record,
                          std::size_t observation_size) {
  if (!record.normalisation) return;
  const std::size_t given = record.normalisation->statistics.components();
  if (given == Normalisation::components(observation_size)) return;
  throw LayoutError(fmt::format(
      "'{}' normalises observations of {} floats, and those of this environment have {}; expected "
      "a policy of the same observations",
      path.string(), given - 1, observation_size));
}

void check_same_behaviour(const std::filesystem::path& path, const PolicyRecord& record,
                          const std::string& behaviour) {
  if (record.behaviour.empty() || behaviour.empty() || record.behaviour == to_utf8(behaviour)) return;
  throw LayoutError(
      fmt::format("'{}' is a checkpoint of a policy that acts otherwise: its actions are '{}', and they "
                  "would be '{}' here",
                  path.string(), record.behaviour, behaviour));
}

}  // namespace genkidama
