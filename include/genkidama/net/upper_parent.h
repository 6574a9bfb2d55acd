#pragma once

/// @file
/// A tree of Parents: a Parent that takes part at another one as its Children take part at it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"
#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "genkidama/params/played.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How a Parent takes part at the one above it.
struct UpperParentOptions {
  /// The link, as that of any Child of the upper Parent. `exchange` is the upper Parent's, each or rounds,
  /// and need not be that of the Parent below; `beta` is the weight of the upper Parent's weights in W_P.
  /// `resume` keeps W_P as it is where the upper Parent still knows the session and the exchange is each.
  /// `overlap`, `round_steps` and `average_moments` are not for this.
  ChildOptions link;
  /// Merges of the Parent below between two exchanges with the upper one. 0: one round, where its Children
  /// make rounds; else one merge for each Child that is connected.
  std::uint64_t merges = 0;
};

/// What the link to the upper Parent has done so far.
struct UpperParentStatus {
  bool connected = false;            ///< a link is joined now
  std::uint64_t exchanges = 0;       ///< answers of the upper Parent that were taken in
  std::uint64_t merges = 0;          ///< as ChildProgress::merges
  std::uint64_t reconnects = 0;      ///< links made anew after one was lost
  double waited_seconds = 0;         ///< the sum over all exchanges; nobody below has waited
  std::uint64_t bytes_sent = 0;      ///< frames of weights, with their headers
  std::uint64_t bytes_received = 0;  ///< as above
  Played told;                       ///< what the upper Parent was told that was played below
  ChildSessionState session;         ///< the latest session, for ChildOptions::resume
};

/// Makes a Parent a Child of another one, so that machines are averaged in levels: those of a rack by a
/// Parent that is near them, and the racks by a Parent that hears one Child of each (iSwitch, Li et al. 2019,
/// has switches do this; here it is software). Levels may be as many as wanted.
///
/// The Parent below goes on merging while an exchange is on its way. With W the weights that were sent, W'
/// those that have become of them until the answer, and W_U the answer, it takes W' + beta (W_U - W) for each
/// and W' + (W_U - W) for rounds. So nothing that a Child has learnt is lost, nobody waits for the upper
/// link, and the average of the others comes one exchange late. Each level tells the next one the steps and
/// episodes that were played below it, and the statistics that were counted below it.
///
///     Parent parent(parent_options, layout, weights);
///     UpperParent upper(upper_options, parent);
///     parent.on_update([&](const ParentUpdate& update) { upper.merged(update); });
///     upper.start();
///     while (!upper.joined(Milliseconds(100)) && !upper.over()) {}
///     parent.start();
///
/// A lost link is made anew in the background, and the Parent below goes on without it, as a Child does. When
/// the upper Parent ends the run, over() says so, and the program stops the Parent below.
///
/// **Threads.** One thread for the sockets and one for the exchange, from start() on. All functions may be
/// called from any thread, merged() from the Parent's own. The Parent outlives this object.
class UpperParent {
 public:
  /// Throws ArgumentError for what Child refuses, for the exchange segments, for `overlap`, for
  /// `average_moments`, and for a Parent that learns from segments or
  /// lets its Children go apart.
  UpperParent(UpperParentOptions options, Parent& parent);
  /// As stop().
  ~UpperParent();
  UpperParent(const UpperParent&) = delete;
  UpperParent& operator=(const UpperParent&) = delete;

  /// Starts to join. The upper Parent's first weights become W_P. Call it before Parent::start(): then no
  /// Child is sent weights that the tree does not have, and a ring of Parents cannot come about. Once.
  void start();
  /// Waits up to `span`; true once the upper Parent was joined; false at once when it is over() without
  /// that. Throws what over() throws.
  bool joined(Milliseconds span);
  /// To be called from the Parent's observer.
  void merged(const ParentUpdate& update);
  /// Why nothing more will come of it; empty while it goes on. Throws IoError when no upper Parent was joined
  /// within join_timeout or it refused this Parent for good, and LayoutError when it refused the network.
  std::optional<std::string> over() const;
  /// What it has done so far.
  UpperParentStatus status() const;
  /// Sends what was merged since the last exchange, if a link is joined, which takes close_timeout at most;
  /// then leaves, and joins the threads. Nobody may be in merged() any more: stop the Parent first. A second
  /// call does nothing.
  void stop(const std::string& reason);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
