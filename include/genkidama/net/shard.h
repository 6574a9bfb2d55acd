#pragma once

/// @file
/// A shard of a parameter server (Nair et al. 2015, "Gorila"): a process that owns a slice of the weights and
/// the optimizer's state that belongs to it.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/policy_description.h"
#include "genkidama/params/weight_shards.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Takes an optimizer step on a slice: changes `weights` and `state` by `gradient`. `step` counts the shard's
/// optimizer steps and includes this one.
using ShardStep = std::function<void(std::span<float> weights, std::span<const float> gradient,
                                     std::span<float> state, std::uint64_t step, double learning_rate)>;

/// How a shard takes part.
struct ShardOptions {
  std::vector<Endpoint> listen;        ///< where learners are accepted; at least one
  WeightSlice slice;                   ///< which weights it owns
  std::string name = "shard";          ///< 1 to 64 printable ASCII characters, for people
  std::string run_id;                  ///< what learners know it by; the same in all processes of a run
  std::string optimizer;               ///< the optimizer as a text, which learners must have too
  PolicyDescription policy;            ///< what is trained; learners that say otherwise are refused
  std::uint64_t max_gradient_age = 0;  ///< see Hyperparameters::max_gradient_age; 0: any age
  LinkLimits limits;                   ///< deadlines and limits of the links
  LinkSecurity security;               ///< token and certificates
};

/// What a shard owns at one moment, between two frames.
struct ShardContents {
  std::vector<float> weights;          ///< of its slice; finite
  std::vector<float> optimizer_state;  ///< as many floats as the optimizer needs for the slice
  std::uint64_t steps = 0;             ///< optimizer steps taken since the run began
  std::uint64_t stale = 0;             ///< gradients that were too old, since the run began
};

/// A learner that is connected.
struct ShardLearnerStatus {
  std::string name;             ///< what it calls itself
  std::string address;          ///< where it is
  std::uint64_t gradients = 0;  ///< that came from it on this link
  std::uint64_t stale = 0;      ///< of them, that were too old
};

/// What a shard has done.
struct ShardStatus {
  std::uint64_t steps = 0;                   ///< optimizer steps since the run began
  std::uint64_t stale = 0;                   ///< gradients that were too old, since the run began
  std::uint64_t gradients = 0;               ///< received by this object
  std::uint64_t joined = 0;                  ///< links of learners, one after the other
  std::uint64_t refused_peers = 0;           ///< before they had joined
  std::uint64_t refused_frames = 0;          ///< of learners that had joined
  std::string last_refusal;                  ///< why, the last time
  std::uint64_t bytes_received = 0;          ///< frames, with their headers
  std::uint64_t bytes_sent = 0;              ///< as above
  std::vector<ShardLearnerStatus> learners;  ///< connected now
  /// Why the slice is of no use any more: an optimizer step made a weight that is not finite. Empty: it is
  /// sound. Nothing is applied any more, and contents() has the spoilt weights.
  std::string failure;
};

/// Owns a slice, the sockets and one thread that runs all of them, so gradients are applied one after the
/// other, in the order in which they came. Each frame of gradients is answered with the slice's newest
/// weights. A gradient that was computed with weights of more than max_gradient_age steps ago is dropped and
/// counted. Nothing that a peer sends changes the slice unless its frame is sound and all numbers are finite.
///
/// A link begins with the slice's weights, whoever the learner is; the shard remembers nothing of learners
/// that are gone. What is received of a link that is lost before the answer may have been applied.
///
/// Public functions may be called from any thread.
class Shard {
 public:
  /// Throws ArgumentError for options out of range, for no endpoint, for contents of another size than the
  /// slice's or that are not finite, and for an endpoint that other machines reach when there is no token.
  /// `layout` is that of all weights.
  Shard(ShardOptions options, ParameterLayout layout, ShardContents contents, ShardStep step);
  /// Does what stop() does.
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// Binds, listens and starts the thread. Throws IoError naming the endpoint when it cannot be bound. Never
  /// fork after this.
  void start();
  /// The ports that are bound, in the order of options.listen.
  std::vector<std::uint16_t> ports() const;
  /// Closes all links within the close timeout, and joins the thread. Learners wait for the shard to come
  /// back, as they do for one that died. A second call does nothing.
  void stop(const std::string& reason = "the shard stopped");

  /// What it has done so far.
  ShardStatus status() const;
  /// A copy of what it owns.
  ShardContents contents() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
