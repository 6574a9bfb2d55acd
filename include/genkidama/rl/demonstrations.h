#pragma once

/// @file
/// Demonstrations: recorded episodes of somebody who knows the task, in memory and as a file. A policy can
/// begin with them (genkidama/rl/behaviour_cloning.h).

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The largest file of demonstrations, in bytes: 1 GiB.
inline constexpr std::uint64_t kMostDemonstrationBytes = std::uint64_t{1} << 30;

/// The most steps of all episodes together: 2^24, so that a float holds each episode's length.
inline constexpr std::size_t kMostDemonstratedSteps = std::size_t{1} << 24;

/// The most episodes: 2^20.
inline constexpr std::size_t kMostDemonstratedEpisodes = std::size_t{1} << 20;

/// Whole episodes of one task, one behind the other. All arrays are row-major; n is the number of steps.
struct Demonstrations {
  std::string environment;             ///< EnvironmentSpec::name
  std::vector<int> observation_shape;  ///< dimensions of an observation, in row-major order
  ActionSpace action_space;            ///< what the actions were chosen from
  std::string recorder;                ///< who played, in words; may be empty

  std::vector<float> observations;  ///< [n, observation size]: what was seen before each step
  std::vector<float> actions;       ///< [n, ActionSpace::width()]: what the environment was given
  std::vector<float> rewards;       ///< [n]: the environment's own
  /// [n, ActionSpace::alternatives()]: the mask before each step. Empty: everything was allowed.
  std::vector<std::uint8_t> masks;

  std::vector<std::size_t> lengths;      ///< steps of each episode, each at least 1
  std::vector<std::uint8_t> terminated;  ///< for each episode, 1: the task ended it; 0: it was cut off
  std::vector<std::uint64_t> seeds;      ///< what reset() was given for each episode; empty: unknown

  /// Steps of all episodes together.
  std::size_t steps() const { return rewards.size(); }
  /// How many episodes there are.
  std::size_t episodes() const { return lengths.size(); }
  /// Floats in an observation.
  std::size_t observation_size() const;
  /// The sum of an episode's rewards.
  double episode_return(std::size_t episode) const;
  /// The XXH3-64 of all of it, the same on every platform: it tells one recording from another.
  std::uint64_t hash() const;
};

/// Throws ArgumentError, whose text begins with `what` and names the place, unless there is at least one
/// episode, all sizes belong together and are within the bounds above, observations and rewards are finite,
/// each action lies in the action space, and each mask is sound and allows the action.
void check_demonstrations(const std::string& what, const Demonstrations& demonstrations);

/// Throws ArgumentError, whose text begins with `what` and names both, when the demonstrations are those of
/// another task: another name, other observations, other actions, or masks on one side alone.
void check_demonstrated_task(const std::string& what, const Demonstrations& demonstrations,
                             const EnvironmentSpec& environment);

/// Writes a safetensors file with the float32 tensors "observations", "actions", "rewards", "masks" (unless
/// there are none), "episode_lengths" and "episode_terminated", and the metadata "format"
/// ("demonstrations 1"), "environment", "observation_shape", "action_choices", "action_low", "action_high",
/// "recorder", "seeds" and "checksum". A reader sees the old file or the new one, whole. Throws as
/// check_demonstrations() and as write_safetensors() (genkidama/params/safetensors.h).
void write_demonstrations(const std::filesystem::path& path, const Demonstrations& demonstrations);

/// Reads such a file, whoever wrote it: "recorder", "seeds" and "checksum" may be missing. Throws IoError
/// when the file cannot be read or is larger than kMostDemonstrationBytes, and FormatError, naming the file
/// and the place, when it is damaged or anything in it is not what check_demonstrations() asks for.
Demonstrations read_demonstrations(const std::filesystem::path& path);

/// Records what is played in an environment, by whomever: a program, a robot's driver, a person. It is an
/// environment itself, which plays the one inside, checked as by make_checked(). An episode is kept once the
/// environment has ended it; one that is begun anew before, and one that was lost (StepResult::lost), is
/// forgotten. Used by one thread.
class DemonstrationRecorder : public Environment {
 public:
  /// `recorder` says who plays. Throws ArgumentError without an environment, or for a spec that is not sound.
  DemonstrationRecorder(std::unique_ptr<Environment> environment, std::string recorder);
  ~DemonstrationRecorder() override;

  const EnvironmentSpec& spec() const override;
  /// Begins an episode, and forgets one that has not ended.
  Observation reset(std::uint64_t seed) override;
  /// Plays and records one step. Throws what the environment throws, and Error when the recording would
  /// become larger than a file may be; its whole episodes are kept then.
  StepResult step(Action action) override;
  using Environment::step;
  ActionMask action_mask() const override;
  void draw(Canvas& canvas) const override;
  bool is_ready() const override;
  void prepare_reset(std::uint64_t seed) override;

  /// The episodes that have ended so far. Valid until the next reset() or step().
  const Demonstrations& demonstrations() const;
  /// The return of the episode that is being played, or of the latest one.
  double episode_return() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
