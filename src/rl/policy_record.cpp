#include "rl/policy_record.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "rl/metadata_fields.h"

namespace genkidama {
namespace {

using namespace metadata_key;

constexpr const char* kNetwork = "network";
constexpr const char* kPolicy = "policy_outputs";
constexpr const char* kValues = "value_outputs";
constexpr const char* kFree = "free_outputs";
constexpr const char* kFreeName = "free_outputs_name";
constexpr const char* kCritics = "critics";
constexpr const char* kCriticActions = "critic_actions";
constexpr const char* kNoisy = "noisy_layers";  // "1"
constexpr const char* kActionWidth = "action_width";
constexpr const char* kBehaviour = "behaviour";
constexpr const char* kNormalisation = "normalisation";  // "observations rewards 10"
constexpr const char* kStatistics = "observation_statistics";
// Of state.safetensors, now and in versions before; no policy has them.
constexpr const char* kState = "state_format";
constexpr const char* kOlderState = "optimizer_steps";

constexpr const char* kProblem = "does not say what policy it holds";

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
  const MetadataFields fields(path, metadata, kProblem);
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
  if (fields.has(kChoices)) record.actions = fields.action_space();
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
