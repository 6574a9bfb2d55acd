#pragma once

/// @file
/// A trained policy from a file: all that a robot or a game needs to act. Nothing here trains, forks, starts
/// threads or opens sockets.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/nn/network.h"
#include "genkidama/rl/behaviour.h"

namespace GENKIDAMA_EXPORT genkidama {

struct Checkpoint;  // genkidama/params/safetensors.h

/// How load_policy() makes a policy. The defaults suit every file of a run with a bundled network and a
/// bundled algorithm.
struct PolicyOptions {
  /// The environment that the policy is to act in. A file from another environment is refused: one with
  /// another name, other observations or other actions. Empty: nothing is compared.
  std::optional<EnvironmentSpec> environment{};
  /// Makes the network that was trained. Empty: the bundled network that the file names.
  NetworkFactory network{};
  /// How the network's outputs become an action. Empty: the behaviour that the file names, as those of a3c
  /// and ppo do, or categorical() where an older file names none.
  std::shared_ptr<const Behaviour> behaviour{};
  Acting acting = Acting::kGreedy;  ///< the likeliest choices and mean components, or a sampled action
  std::uint64_t seed = 1;           ///< the sampled actions follow from it
};

/// Maps observations to actions. A policy is used by one thread; any number of policies may be loaded.
class Policy {
 public:
  /// Takes over the other policy, which must not be used any more.
  Policy(Policy&&) noexcept;
  /// Takes over the other policy, which must not be used any more.
  Policy& operator=(Policy&&) noexcept;
  ~Policy();

  /// The action for an observation of sizes().observation_size() floats, as Environment::step() takes it; the
  /// number of a choice is `static_cast<int>(policy.act(observation)[0])`. The action belongs to the policy
  /// and stays valid until its next act(). `mask` is the environment's; an empty one allows everything. With
  /// a bundled network nothing is allocated. Throws ArgumentError for an observation of another size or with
  /// a value that is not finite and for a mask that does not fit the action space, and Error when an output
  /// of the network is not finite; no action follows from these.
  Action act(Observation observation, ActionMask mask = {});
  /// The same in another way of acting than PolicyOptions::acting.
  Action act(Observation observation, ActionMask mask, Acting acting);

  /// Forgets what was seen before. Call it wherever an episode starts, for a network with memory would go on
  /// from the episode before; a policy that was just loaded has seen nothing. It does nothing to a network
  /// without memory.
  void reset();
  /// The same, and sampled actions follow from `seed` from now on.
  void reset(std::uint64_t seed);

  /// What a network with memory remembers of the episode; zeros have seen nothing. It may be copied and
  /// written back, so that one policy plays several episodes by turns. Empty for a network without memory.
  std::span<float> state();

  /// What the actions are chosen from; empty when an older file does not say, nor PolicyOptions.
  const std::optional<ActionSpace>& actions() const;
  /// The sizes of the network.
  const NetworkSpec& sizes() const;
  /// What the file says about itself, for instance "environment", "update" and "preset".
  const std::map<std::string, std::string>& metadata() const;

 private:
  friend Policy make_policy(Checkpoint policy, PolicyOptions options, const std::string& name);
  class Impl;
  explicit Policy(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Reads a policy: final.safetensors, best.safetensors or a checkpoint of a run, or any file whose metadata
/// has CoreOrchestrator::policy_metadata(). The network is rebuilt, or the given one is checked, by what the
/// file says. Files of version 0.1 do not name their network; a bundled one is recognised by its tensors.
///
/// Throws IoError when the file cannot be read; FormatError when it is damaged, holds a value that is not
/// finite, or is a run's state; LayoutError, naming both, when the file belongs to another environment or
/// another network than the given one; and ArgumentError when the options lack what the file does not say.
Policy load_policy(const std::filesystem::path& file, PolicyOptions options = {});

/// The same from what such a file holds, for instance the weights of a trainer with
/// CoreOrchestrator::policy_metadata(). `name` stands in errors for that of the file. Throws as
/// load_policy(), but for IoError; ArgumentError also when the number of weights is not the layout's.
Policy make_policy(Checkpoint policy, PolicyOptions options = {}, const std::string& name = "the policy");

}  // namespace genkidama
