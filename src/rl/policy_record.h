#pragma once

// What a checkpoint's metadata says about the policy in it.

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "genkidama/env/action_space.h"
#include "genkidama/nn/network_spec.h"
#include "rl/normalisation.h"

namespace genkidama {

/// What a policy needs to be rebuilt. Older files say less, and files of other programs nothing.
struct PolicyRecord {
  std::string environment;                  ///< EnvironmentSpec::name; empty: unknown
  std::string network;                      ///< Network::description(); empty: unknown
  std::optional<NetworkSpec> sizes;         ///< of the network
  std::optional<std::size_t> action_width;  ///< ActionSpace::width()
  std::optional<ActionSpace> actions{};     ///< of the environment
  std::string behaviour{};                  ///< Behaviour::description(); empty: unknown
  /// Of its observations; nothing: they are taken as they are.
  std::optional<Normalisation> normalisation{};
};

/// The record as metadata; what is unknown is left out. All of it is UTF-8.
std::map<std::string, std::string> to_metadata(const PolicyRecord& record);

/// The record in the metadata of the file at `path`. Throws FormatError, naming the file, when it is the
/// state of a run, or when a field is not what to_metadata() writes.
PolicyRecord policy_record(const std::filesystem::path& path,
                           const std::map<std::string, std::string>& metadata);

/// Throws LayoutError that names both behaviours when the file says that its policy acts otherwise than
/// `behaviour` (Behaviour::description()). A side that does not say is not compared.
void check_same_behaviour(const std::filesystem::path& path, const PolicyRecord& record,
                          const std::string& behaviour);

/// Throws LayoutError when the file's policy is normalised with statistics of observations of another size
/// than `observation_size` floats.
void check_statistics_fit(const std::filesystem::path& path, const PolicyRecord& record,
                          std::size_t observation_size);

/// Throws LayoutError that names both networks when the file says that it holds another one than `network`
/// (Network::description()). A side that does not say is not compared.
void check_same_network(const std::filesystem::path& path, const PolicyRecord& record,
                        const std::string& network);

}  // namespace genkidama
