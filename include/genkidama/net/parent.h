#pragma once

/// @file
/// The Parent: it holds the averaged weights and merges every Child's weights into them (thesis,
/// Algorithm 2).

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
#include "genkidama/net/round_contribution.h"
#include "genkidama/net/round_options.h"
#include "genkidama/net/security.h"
#include "genkidama/net/segment_options.h"
#include "genkidama/params/codec_kind.h"
#include "genkidama/params/exchange_kind.h"
#include "genkidama/params/merge_method.h"
#include "genkidama/params/merge_rule.h"
#include "genkidama/params/optimizer_moments.h"
#include "genkidama/params/outer_optimizer.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/played.h"
#include "genkidama/params/policy_description.h"
#include "genkidama/params/population.h"
#include "genkidama/params/running_statistics.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The greatest ParentOptions::epoch.
inline constexpr std::uint64_t kMaxEpoch = (std::uint64_t{1} << 21) - 1;
/// The greatest ParentOptions::merge_threads.
inline constexpr int kMaxMergeThreads = 64;

/// How a Parent takes part.
struct ParentOptions {
  // What it does.

  std::vector<Endpoint> listen;  ///< where Children that dial are accepted
  std::vector<Endpoint>
      connect;  ///< Children that listen; the Parent dials them again and again, with pauses
  /// Whether each Child is merged when it comes, or Children make rounds together. A Child that wants the
  /// other exchange is refused.
  ExchangeKind exchange = ExchangeKind::kEach;
  double alpha = 0.9;  ///< kEach: the weight of a Child's weights in a merge, in [0, 1]
  /// kEach: merges in place of the average with alpha, and is told alpha. Empty: the average.
  MergeRule merge_rule;
  /// The same as an object that keeps notes (make_merge_method()), in place of merge_rule. kRounds: combines
  /// the changes of a round in place of their mean, and the outer optimizer takes the result. For a run that
  /// goes on, what Parent::merge_method() gave before. nullptr: none.
  std::shared_ptr<const MergeMethod> merge_method;
  /// kEach, with the average alone: how many threads check, average and encode, 1 to kMaxMergeThreads. With 1
  /// the Parent's own thread does it, one Child after the other. More threads write W_P without a lock
  /// (Hogwild!: Recht, Re, Wright and Niu, 2011; the thesis names this for the Parent as future work): each
  /// element is written whole, but two merges at a time may mix in W_P element by element, and where both
  /// change an element at the same moment one of the two changes is lost. So the result is that of some
  /// serial order only up to about alpha times the distance between the Children. Sockets and counts stay
  /// with the Parent's own thread. Each Child takes at most one of the threads. It pays for
  /// networks of a million weights and more, on machines with idle cores.
  int merge_threads = 1;
  RoundOptions rounds;      ///< kRounds, kSegments: when a round is closed
  SegmentOptions segments;  ///< kSegments: what is played in a round
  /// kRounds: takes the mean change of a round into the weights; for a run that goes on, with the memory that
  /// Parent::outer_optimizer() gave before.
  OuterOptimizer outer_optimizer;
  /// kRounds: averages the moments of the Children's optimizers too, by the same weights as their changes;
  /// the outer optimizer has no part in that. A Child that does not do the same is refused, and so is one
  /// whose optimizer has moments of another shape than that of the first Child.
  bool average_moments = false;
  /// average_moments: for a run that goes on, what Parent::moments() gave before.
  AveragedMoments moments;
  /// kPopulation: what the members explore, and when they copy each other; for a run that goes on, with the
  /// members that Parent::population() gave before. Merge rules,
  /// several merge_threads and lossy codecs are refused with it.
  Population population;
  /// What the Children's logs call this Parent: 1 to 64 printable ASCII characters.
  std::string name = "parent";
  /// Names the run. Empty: a name is made from the clock and the system's random device. A Parent that goes
  /// on with a run is given the name of that run.
  std::string run_id;
  std::uint64_t first_update = 0;  ///< how many updates the run has already made, when it is resumed
  /// kSegments, and kRounds with rounds.apart_from_steps: environment steps that the run has already learnt
  /// from, when it is resumed.
  std::uint64_t first_steps = 0;
  /// How often a Parent of this run was started before, at most kMaxEpoch. Sessions of different epochs have
  /// different numbers, so nothing that was meant for an earlier start is taken for a message to this one.
  std::uint64_t epoch = 0;

  /// The policy whose weights are merged. A Child whose policy has another description is refused.
  PolicyDescription policy{};
  /// The running statistics that Children normalise with: with the number of components of each, at most
  /// kMaxStatisticsComponents, and for a run that goes on with what Parent::statistics() gave before. Without
  /// components: the Children normalise nothing. A Child with another number of components is refused.
  StreamStatistics statistics{};

  // What it refuses.

  /// Weights whose Euclidean norm is more than this many times the Parent's (which counts as at least 1) are
  /// refused. 0 means no limit. The limit stops accidents, not attacks: averaging has no defence against a
  /// Child that lies within bounds.
  double max_norm_growth = 1000;
  /// A Child whose weights were refused, known by its name and address, is kept out for this long. Each
  /// further offence doubles it, up to quarantine_max. 0 disables quarantine.
  Milliseconds quarantine_min{10'000};
  /// The longest quarantine.
  Milliseconds quarantine_max{600'000};
  /// Deadlines and limits of every link.
  LinkLimits limits;
  /// Token and certificates of every link.
  LinkSecurity security;

  // When it dials.

  Milliseconds backoff_min{100};     ///< the first pause before dialling again; it doubles, with jitter
  Milliseconds backoff_max{10'000};  ///< the longest pause
};

/// One merge, as the observer is told it. A session is one Child's time with this Parent; it lasts over
/// connections that are lost. Sessions tell Children apart; names do so only while both are there.
///
/// With ExchangeKind::kRounds one merge is one round. `child` is then empty, the numbers of the session are
/// 0, `since_merge` is the sum over all contributions, `mean_return` is the mean over their episodes, and
/// `staleness` is the greatest.
struct ParentUpdate {
  std::uint64_t update = 0;  ///< merges so far, this one included
  /// The name that the Child is shown by: its own, or "name#2" when another Child of that name was there
  /// first.
  std::string child;
  std::uint64_t session = 0;   ///< the number of the Child's session
  std::uint64_t sequence = 0;  ///< the Child's own count of updates in this session
  Played since_child_began;    ///< as the Child tells it
  /// What this merge adds. In the first merge of a session it is what the Child played since the last answer
  /// that it had in an earlier session, or since it began when there was none. Of that earlier session only
  /// the steps are known here, so the episodes are then the same share of all as the steps are.
  Played since_merge;
  /// The mean return of the episodes that ended since the Child's last answered frame. Without such episodes
  /// it is that of the frame before, and 0 before the first episode.
  double mean_return = 0;
  std::uint64_t staleness = 0;  ///< merges of others since this Child was last sent the weights
  /// W_P after the merge; valid only during the call. With several merge_threads: as this merge has left each
  /// element, and as it is sent to the Child, a copy that others do not change; other merges may be in it in
  /// parts.
  std::span<const float> weights;
  /// The norm of what the merge has changed in W_P. kRounds: of the change of the whole round. With several
  /// merge_threads this and `agreement` are counted from W_P as it was a little before the merge.
  double movement = 0;
  /// kEach: the cosine between where the Child's weights pull W_P, W_C - W_P, and where those of the other
  /// Children that are connected have pulled it lately. Their directions are added up, whatever their norms.
  /// It is within about 1/32 of the exact one for more than 1024 weights. Nothing while no other has merged.
  std::optional<double> agreement{};
  /// kRounds: what the Children have given, in the order of their names. Empty for kEach.
  std::vector<RoundContribution> contributions{};
  double waited_seconds = 0;  ///< kRounds: from the first contribution to the end of the round
  /// kRounds: the outer optimizer after the merge; valid only during the call. nullptr for kEach.
  const OuterOptimizer* outer_optimizer = nullptr;
  /// kRounds: the moments after the merge; valid only during the call. nullptr for kEach.
  const AveragedMoments* moments = nullptr;
  /// The merge method after the merge; valid only during the call. nullptr without one.
  const MergeMethod* merge_method = nullptr;
  /// kPopulation: what the report of this Child has changed. `weights` are those of the best member then.
  std::vector<PopulationChange> changes{};
  /// kPopulation: the member whose weights `weights` are, and its score; nobody before there is a score.
  std::string best_member{};
  std::optional<double> best_score{};  ///< as above
  /// kPopulation: the members after it; valid only during the call. nullptr for the other exchanges.
  const Population* population = nullptr;
};

/// A Child that is connected now. The counts are those of its session.
struct ChildStatus {
  /// The name that the Child is shown by, as in ParentUpdate. A session keeps its name when it is resumed;
  /// the name becomes free when the session is over and cannot be resumed.
  std::string name;
  /// Address and port of the other end of its connection.
  std::string address;
  /// The number of its session, which its frames repeat.
  std::uint64_t session = 0;
  /// How weights travel between it and the Parent: as it asked for, or as float32.
  CodecKind codec = CodecKind::kFloat32;
  /// How often its weights were merged.
  std::uint64_t updates = 0;
  /// As it told with its last update; before the first one, the steps that it had when it joined and no
  /// episodes.
  Played since_child_began;
  std::uint64_t staleness = 0;      ///< of its last update, as in ParentUpdate
  double mean_staleness = 0;        ///< over its updates
  double seconds_since_update = 0;  ///< since its last update, or since it joined
  /// The median time between its last updates; nothing before the second one.
  std::optional<double> round_seconds;
  std::uint64_t bytes_received = 0;  ///< frames of its session, as they came
  std::uint64_t bytes_sent = 0;      ///< frames to it
  /// Whether its next update is much later than its own rounds lead one to expect: it is slow, stopped, or
  /// stuck. The link is alive, and nothing is done about it; a line in the log says when it begins and ends.
  bool late = false;
};

/// How many peers were refused before they joined, by reason. A peer that came to nothing for another reason
/// (a different network, silence) is counted in ParentStatus::refused_peers only.
struct PeerRefusals {
  std::uint64_t token = 0;        ///< no token, or another one (HTTP 401), at whichever end
  std::uint64_t origin = 0;       ///< browsers (HTTP 403)
  std::uint64_t request = 0;      ///< no HTTP, no Host, or another target
  std::uint64_t tls = 0;          ///< a TLS handshake that failed, at whichever end
  std::uint64_t quarantine = 0;   ///< Children whose weights were refused a while ago
  std::uint64_t connections = 0;  ///< connections beyond the numbers of LinkLimits
};

/// The rounds that Children have made together with this Parent object.
struct RoundCounts {
  std::uint64_t closed = 0;         ///< rounds that were closed
  std::uint64_t by_deadline = 0;    ///< those that a deadline has closed
  std::uint64_t contributions = 0;  ///< in closed rounds
  std::uint64_t late = 0;           ///< those that were learnt from weights of an earlier round
  std::uint64_t dropped = 0;        ///< late ones beyond RoundOptions::max_staleness
  std::uint64_t staleness = 0;      ///< the sum over all contributions
  double waited_seconds = 0;        ///< from the first contribution to the end, the sum over all rounds
  std::uint64_t waiting = 0;        ///< contributions to the round that is open now
  std::uint64_t queued_steps = 0;   ///< of asynchronous actors: played, and not yet taken by the learner
  /// kSegments: the sum of SegmentRound::dropped_steps, with those since the last round.
  std::uint64_t dropped_steps = 0;
};

/// What a Parent has done so far.
struct ParentStatus {
  std::uint64_t updates = 0;          ///< merges, with those before a resumed run
  RoundCounts rounds;                 ///< ExchangeKind::kRounds
  std::uint64_t joined = 0;           ///< handshakes that succeeded
  std::uint64_t resumed = 0;          ///< those of them that went on with a session
  std::uint64_t left = 0;             ///< joined Children that went away
  std::uint64_t refused_peers = 0;    ///< handshakes that were refused or not understood
  PeerRefusals refusals;              ///< the reasons for some of them
  std::uint64_t refused_updates = 0;  ///< weights that were refused: not finite, damaged, out of order
  Played in_process;                  ///< of all Children that ever joined this Parent object
  std::uint64_t bytes_received = 0;   ///< frames of all Children that ever joined, as they came
  std::uint64_t bytes_sent = 0;       ///< frames to them
  std::string last_refusal;           ///< why the last peer or update was refused
  /// Why the Parent has ended its run by itself: what its merge rule, or outer optimizer, did wrong, and at
  /// which update. The weights are as the merge before left them. Empty while that has not happened.
  std::string failure;
  /// The Children that are connected now.
  std::vector<ChildStatus> children;
};

/// Owns the weights, the sockets and one thread that runs all of them, so merges are serial and each is
/// whole: W_P = (1-alpha) W_P + alpha W_C, or what ParentOptions::merge_rule makes of the two; then W_P is
/// sent back to that Child. Public functions may be called from any thread. Nothing a peer sends changes the
/// weights unless its frame is sound and all values are finite. With ParentOptions::merge_threads above 1
/// merges are not serial: several of them write W_P at a time. All else holds, and a merge is counted,
/// answered and told to the observer once it is whole; one whose link is lost in the middle is finished
/// first.
///
/// With ExchangeKind::kRounds a Child sends what it has learnt since it was sent W_P, and waits. The Parent
/// keeps one contribution of each connected Child at most. When the round is over (RoundOptions), it averages
/// all of them, each weighted by the environment steps that it was learnt from, takes the mean into W_P by
/// the outer optimizer, and sends W_P to all that have contributed. The result does not depend on the order
/// in which they came. A contribution whose link is lost before the end of the round is not merged: it is in
/// the next one of that Child.
///
/// With RoundOptions::apart_from_steps the Children of a run train apart from some time on. The Parent then
/// keeps the weights of each: four bytes for each weight and connected Child, and of at most 64 that may come
/// back.
///
/// With ExchangeKind::kPopulation nothing is merged: each Child is the member of a Population that has its
/// shown name. It sends its weights after each round, and is answered at once: it keeps them, or takes those
/// of a better member, and learns with the hyperparameters that the answer tells. weights() are those of the
/// member with the highest score, before there is one the first weights. Only a member whose Child is
/// connected and not late is copied. Weights that are not finite or out of proportion are no offence here:
/// their member copies another one at once. A Child that comes back takes its member up where the Parent has
/// it.
///
/// With ExchangeKind::kSegments nothing is merged. The Children are actors: each plays its share of a round's
/// steps with W_P and sends the segments. When the round is over, take_segments() gives them to the learner,
/// which learns while this object goes on serving, and whose publish() answers those that have contributed.
/// No second round is over before that.
///
/// With ActorMode::kAsynchronous an actor is answered as soon as what it has played is in a queue, and
/// take_segments() takes the oldest from there once they have a round's steps. What is in the queue counts as
/// taken: it is learnt from once, whether its actor's link lives or not, unless the learner's process ends or
/// the queue is to drop its oldest.
///
/// UpperParent makes this Parent a Child of another one.
///
/// A merge rule that fails, or an outer optimizer whose result is not finite, ends the run as stop() does,
/// except that stop() or the destructor must still join the thread; status() tells why.
class Parent {
 public:
  /// Throws ArgumentError for options out of range, for no endpoint at all, for weights of the wrong size or
  /// not finite, for a merge rule together with another exchange than kEach or with a merge method, for a
  /// merge method that combines no rounds together with kRounds, for average_moments with another
  /// one than kRounds, for rounds.apart_from_steps with another one or with a merge method or
  /// average_moments, for rounds of segments without steps, for a queue of asynchronous actors without room
  /// for a round, and for an endpoint to listen at that other machines reach when there is no token.
  Parent(ParentOptions options, ParameterLayout layout, std::vector<float> weights);
  /// Does what stop() does.
  ~Parent();
  Parent(const Parent&) = delete;
  Parent& operator=(const Parent&) = delete;

  /// `observer` is called after every merge on the Parent's own thread, when the answer is on its way to the
  /// Child; keep it short. To be set before start().
  void on_update(std::function<void(const ParentUpdate&)> observer);

  /// Binds, listens and starts the thread. The log says at which addresses. Throws IoError naming the
  /// endpoint when it cannot be bound, as when it is in use. Never fork after this.
  void start();

  /// The ports that are bound, in the order of options.listen. A name with several addresses has the same
  /// port at all of them. Not to be called from the observer.
  std::vector<std::uint16_t> ports() const;

  /// Tells every Child that the run is over, closes all links within the close timeout, and joins the thread.
  /// `reason` reaches the Children's users. A second call does nothing.
  void stop(const std::string& reason = "the Parent stopped");

  /// kSegments: waits up to `span` for a round that is over, and takes it. Nothing while no round is over,
  /// and always after stop(). A round that was taken is to be followed by publish().
  std::optional<SegmentRound> take_segments(Milliseconds span);
  /// kSegments: makes `weights` W_P, which counts as one update, and sends them to all that wait for the end
  /// of the round that was taken. `run_steps`: environment steps that the run has learnt from so far, from
  /// which an actor's exploration follows (LocalTrainer::follow_run()). Throws ArgumentError for weights of
  /// another size or that are not finite, and when no round was taken.
  void publish(std::span<const float> weights, std::uint64_t run_steps = 0);

  /// Between two merges, W_P becomes W_P + (to - from): weights of elsewhere come in, and what was merged
  /// since W_P was `from` is kept. It counts as no update, and Children see it in their next answer. Waits
  /// for the merge that runs now, so it is not for the observer. False, and nothing is changed, when the
  /// Parent has ended. Throws ArgumentError for another size or values that are not finite, and Error when
  /// the result is not finite.
  bool change_weights(std::span<const float> from, std::span<const float> to);
  /// Between two merges, replaces what is known of the statistics of a stream that is no Child's, so that all
  /// Children are told of it. Waits as change_weights() does, and returns the same. Throws ArgumentError for
  /// another number of components.
  bool write_statistics(std::uint64_t stream, const RunningStatistics& statistics);

  /// As they were given, with the run_id that was made if none was.
  const ParentOptions& options() const;
  /// As it was given.
  const ParameterLayout& layout() const;
  /// What it has done so far.
  ParentStatus status() const;
  /// A copy of W_P between two merges. With several merge_threads, merges that are being made may be in it in
  /// some elements and not in others.
  std::vector<float> weights() const;
  /// A copy of what each Child of the run has told of its own statistics last.
  StreamStatistics statistics() const;
  /// A copy of the outer optimizer between two merges.
  OuterOptimizer outer_optimizer() const;
  /// A copy of the averaged moments between two merges; without any unless ParentOptions::average_moments is
  /// set.
  AveragedMoments moments() const;
  /// A copy of the merge method between two merges; nullptr without one.
  std::unique_ptr<MergeMethod> merge_method() const;
  /// A copy of the population between two reports; without members unless the exchange is kPopulation.
  Population population() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
