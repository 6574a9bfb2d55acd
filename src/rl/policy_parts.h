#pragma once

// From the file of a policy to what acts: what load_policy() and an export begin with.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/nn/network.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/behaviour.h"
#include "genkidama/rl/policy.h"
#include "rl/policy_record.h"

namespace genkidama {

/// What a policy is made of.
struct PolicyParts {
  PolicyRecord record;  ///< with sizes; without actions only where the options have a behaviour
  std::unique_ptr<Network> network;
  std::shared_ptr<const Behaviour> behaviour;
  std::vector<float> weights;  ///< in the order of the network's layout
  std::map<std::string, std::string> metadata;
};

/// What `file`, which was read from `path`, says of its policy, completed by its tensors and the options.
/// Throws as load_policy().
PolicyRecord complete_policy_record(const std::filesystem::path& path, const Checkpoint& file,
                                    const PolicyOptions& options);

/// Rebuilds the network and the behaviour of a complete record, and holds the file's tensors against them, so
/// that the record's sizes are more than text afterwards. Throws as load_policy().
PolicyParts policy_parts(const std::filesystem::path& path, PolicyRecord record, const PolicyOptions& options,
                         Checkpoint file);

}  // namespace genkidama
