#pragma once

/// @file
/// The Parent: holds the averaged weights and merges every Child's into them (thesis, Algorithm 2).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"
#include "genkidama/params/merge_rule.h"
#include "genkidama/params/parameter_layout.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The greatest ParentOptions::epoch.
inline constexpr std::uint64_t kMaxEpoch = (std::uint64_t{1} << 21) - 1;

/// How a Parent takes part.
struct ParentOptions {
  std::vector<Endpoint> listen;   ///< where Children that dial are accepted
  std::vector<Endpoint> connect;  ///< Children that listen; redialled with backoff for ever
  double alpha = 0.9;             ///< weight of a Child's weights in a merge, in [0, 1]
  /// Merges in place of the average with alpha, which it is told. Empty: the average.
  MergeRule merge_rule;
  /// For the Children's logs: 1 to 64 printable ASCII characters.
  std::string name = "parent";
  /// Empty: one is made from the clock and the system's random device. A Parent that goes on with a run is
  /// given the run's.
  std::string run_id;
  std::uint64_t first_update = 0;  ///< updates already made, when a run is resumed
  /// How often a Parent of this run was started before, at most kMaxEpoch. Sessions of different epochs have
  /// different numbers, so nothing that was meant for an earlier start is taken for its successor.
  std::uint64_t epoch = 0;
  /// Weights whose Euclidean norm is more than so many times the Parent's (taken as at least 1) are refused;
  /// 0: no limit. It stops accidents, not attacks: averaging has no defence against a Child that lies within
  /// bounds.
  double max_norm_growth = 1000;
  /// A Child whose weights were refused, by its name and address, may not join again for so long; each time
  /// twice as long, up to the second. 0: at once.
  Milliseconds quarantine_min{10'000};
  /// The second of the two spans.
  Milliseconds quarantine_max{600'000};
  /// Of every link.
  LinkLimits limits;
  /// Of every link.
  LinkSecurity security;
  Milliseconds backoff_min{100};  ///< first pause before dialling again; doubles, with jitter
  /// Longest pause.
  Milliseconds backoff_max{10'000};
};

/// One merge, as told to the observer.
struct ParentUpdate {
  std::uint64_t update = 0;             ///< merges so far, this one included
  std::string child;                    ///< the Child's name
  std::uint64_t session = 0;            ///< lasts over connections that are lost
  std::uint64_t sequence = 0;           ///< its own count of updates in this session
  std::uint64_t environment_steps = 0;  ///< steps the Child has played since it started
  std::uint64_t episodes = 0;           ///< episodes the Child has played since it started
  double mean_return = 0;               ///< over the episodes of the Child's last round
  std::uint64_t staleness = 0;          ///< merges of others since this Child was last sent the weights
  std::span<const float> weights;       ///< W_P after the merge; valid only during the call
};

/// A Child that is connected now. Counts are of its session, which lasts over connections that are lost.
struct ChildStatus {
  /// As it calls itself.
  std::string name;
  /// The other end of its connection.
  std::string address;
  /// As in its frames.
  std::uint64_t session = 0;
  /// Merges of its weights.
  std::uint64_t updates = 0;
  /// Steps it has played since it started.
  std::uint64_t environment_steps = 0;
  std::uint64_t staleness = 0;          ///< of its last update, as ParentUpdate's
  double mean_staleness = 0;            ///< over its updates
  double seconds_since_update = 0;      ///< or since it joined
  std::optional<double> round_seconds;  ///< median time between its last updates; nothing before the second
  /// Much later than its own rounds let expect: it is slow, stopped, or stuck. The link is alive, and nothing
  /// is done about it; a line in the log says when it begins and when it ends.
  bool late = false;
};

/// Peers that were refused before they joined, by reason. One that came to nothing for another reason (a
/// different network, silence) is in ParentStatus::refused_peers only.
struct PeerRefusals {
  std::uint64_t token = 0;        ///< no token or another one (HTTP 401), at whichever end
  std::uint64_t origin = 0;       ///< browsers (HTTP 403)
  std::uint64_t request = 0;      ///< no HTTP, no Host, another target
  std::uint64_t tls = 0;          ///< a TLS handshake that failed, at whichever end
  std::uint64_t quarantine = 0;   ///< Children whose weights were refused a while ago
  std::uint64_t connections = 0;  ///< beyond LinkLimits' numbers of connections
};

/// What a Parent has done so far.
struct ParentStatus {
  /// Merges, those before a resumed run included.
  std::uint64_t updates = 0;
  std::uint64_t joined = 0;             ///< handshakes that succeeded
  std::uint64_t resumed = 0;            ///< those of them that went on with a session
  std::uint64_t left = 0;               ///< joined Children that went away
  std::uint64_t refused_peers = 0;      ///< handshakes refused or not understood
  PeerRefusals refusals;                ///< the reasons of some of them
  std::uint64_t refused_updates = 0;    ///< weights refused: not finite, damaged, out of order
  std::uint64_t environment_steps = 0;  ///< of all Children ever joined in this run
  std::string last_refusal;             ///< why the last peer or update was refused
  /// Why the Parent has ended its run by itself: what its merge rule did wrong, and at which update. The
  /// weights are as the merge before left them. Empty: it has not.
  std::string failure;
  /// Those connected now.
  std::vector<ChildStatus> children;
};

/// Owns the weights, the sockets and one thread that runs all of them, so merges are serial and each is
/// whole: W_P = (1-alpha) W_P + alpha W_C, or what ParentOptions::merge_rule makes of the two; then W_P is
/// sent back to that Child. Public functions may be called from any thread. Nothing a peer sends changes the
/// weights unless its frame is sound and all values are finite.
///
/// A merge rule that fails ends the run as stop() does, but for the thread, which stop() or the destructor
/// still joins; status() tells why.
class Parent {
 public:
  /// Throws ArgumentError for an alpha outside [0, 1], no endpoint at all, weights of the wrong size or not
  /// finite, or an endpoint to listen at that other machines reach, without a token.
  Parent(ParentOptions options, ParameterLayout layout, std::vector<float> weights);
  /// As stop().
  ~Parent();
  Parent(const Parent&) = delete;
  Parent& operator=(const Parent&) = delete;

  /// Called after every merge on the Parent's own thread, when the answer is on its way to the Child; keep it
  /// short. Set before start().
  void on_update(std::function<void(const ParentUpdate&)> observer);

  /// Binds, listens and starts the thread. Throws IoError naming the endpoint when it cannot be bound (in
  /// use). Never fork after this.
  void start();

  /// Ports bound, in the order of options.listen.
  std::vector<std::uint16_t> ports() const;

  /// Tells every Child that the run is over, closes all links within the close timeout, joins the thread.
  /// `reason` reaches the Children's users. Idempotent.
  void stop(const std::string& reason = "the Parent stopped");

  /// What it has done so far.
  ParentStatus status() const;
  /// A copy of W_P between two merges.
  std::vector<float> weights() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
