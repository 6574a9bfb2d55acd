#pragma once

/// @file
/// An agent that plays the policy of a run while somebody looks, in a process of its own.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/policy.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// What the agent plays, and in what.
struct WatchedAgentOptions {
  EnvironmentFactory environment;  ///< made in the agent's process, once somebody looks
  /// As load_policy() takes them. The episodes follow from PolicyOptions::seed.
  PolicyOptions policy{};
  ParameterLayout layout;  ///< of the policies that are given: none may have more weights
};

/// Plays one episode after the other, at the environment's own pace and with at most 25 pictures a second,
/// and draws it (Environment::draw()). The process sleeps while nobody looks, runs when the machine has
/// nothing else to do (SCHED_IDLE, and the lowest priority), and takes at most a tenth of one core. A policy
/// that is given is played from the next episode on. When the environment crashes, the process ends and
/// nothing else.
///
/// **Threads.** wants_policy() and give() are for one thread, the others for one thread, which may be
/// another.
class WatchedAgent {
 public:
  /// Forks, so it must be made before any thread is started. Throws ArgumentError without a factory, and
  /// IoError without memory or processes.
  explicit WatchedAgent(WatchedAgentOptions options);
  /// Ends the process.
  ~WatchedAgent();
  WatchedAgent(const WatchedAgent&) = delete;
  WatchedAgent& operator=(const WatchedAgent&) = delete;

  /// Whether somebody looks and the agent would play another policy next. It is so at most once a second, and
  /// rarer where giving one takes long: at most the 200th part of the time is spent on it.
  bool wants_policy() const;
  /// Copies the policy for the process, what Checkpoint holds of one (RunFiles, UpdateEvent::policy).
  void give(const Checkpoint& policy);

  /// Somebody looks, or does no longer. As often the one as the other.
  void come();
  /// As above.
  void go();
  /// The latest picture, or what keeps the agent from playing, as a JSON object; nullptr before the first.
  std::shared_ptr<const std::string> latest();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace run
}  // namespace genkidama
