#pragma once

// The Parent's weights and counts, without any socket.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/parent.h"
#include "genkidama/wire/frame.h"
#include "net/link/peer_fault.h"
#include "net/parent/apart_weights.h"
#include "net/parent/influence.h"
#include "net/parent/lost_sessions.h"
#include "net/parent/open_round.h"
#include "net/parent/segment_queue.h"

namespace genkidama {

/// A Child that is late, or was. Seconds.
struct Lateness {
  std::string child;
  double round = 0;    ///< what its rounds take
  double silence = 0;  ///< since its last update
};

/// What a merge was.
struct MergeReport {
  std::uint64_t staleness = 0;
  Played since_merge;                ///< as in ParentUpdate
  double movement = 0;               ///< as in ParentUpdate
  std::optional<double> agreement;   ///< as in ParentUpdate
  std::optional<Lateness> was_late;  ///< it counted as late until now
  std::string failure;               ///< of the user's rule; if it is not empty nothing was merged
};

/// What the report of a member of a population was.
struct MemberMergeReport {
  MergeReport merge;
  std::vector<PopulationChange> changes;
};

/// What a thread of the pool finds out about a Child's weights before they are merged.
struct WeightsLook {
  std::optional<std::string> objection;  ///< as ParentState::objection()
  ChangeSketch pull;                     ///< from W_P as it was to these weights
};

/// What a round was that Children have made together.
struct RoundMergeReport {
  std::vector<RoundContribution> contributions;  ///< in the order of names
  std::vector<Lateness> were_late;               ///< they counted as late until they contributed
  double waited_seconds = 0;
  double movement = 0;      ///< as in ParentUpdate
  bool goes_apart = false;  ///< the next rounds are those of Children apart
  std::string failure;  ///< of the merge method or the outer optimizer; if it is not empty nothing was merged
};

/// The io thread writes, any thread reads. What is guarded by `mutex_` is written under it, so that another
/// thread sees the state between two merges; the io thread reads without it what only it writes.
///
/// With ParentOptions::merge_threads above 1 the threads of a pool write the elements of W_P without that
/// lock. Then current() and merge() are of no use, and what stands under "Several threads that merge" is.
class ParentState {
 public:
  /// Uses the options alpha, merge_threads, merge_rule, merge_method, max_norm_growth, statistics and
  /// first_update, and for rounds exchange, rounds, outer_optimizer, average_moments and moments. `layout`
  /// must outlive this.
  ParentState(const ParentOptions& options, const ParameterLayout& layout, std::vector<float> weights);

  // Any thread.

  std::vector<float> weights() const;
  StreamStatistics statistics() const;
  OuterOptimizer outer_optimizer() const;
  AveragedMoments moments() const;
  std::unique_ptr<MergeMethod> merge_method() const;
  Population population() const;
  ParentStatus status(Clock::time_point now = Clock::now()) const;

  // The io thread.

  /// W_P.
  std::span<const float> current() const { return weights_; }
  /// What the Child of a joined session is sent: W_P, or its own weights where Children are apart or are
  /// members of a population.
  std::span<const float> weights_for(std::uint64_t session) const {
    if (has_population_) return *member_of(session).weights;
    return apart_ ? apart_->of(session) : current();
  }
  std::size_t size() const { return weights_.size(); }
  std::uint64_t updates() const { return status_.updates; }
  /// Components of the statistics of a Child.
  std::size_t statistics_components() const { return statistics_.components(); }
  /// What all Children but the one of this stream have counted.
  RunningStatistics other_statistics(std::uint64_t stream) const { return statistics_.all_but(stream); }
  /// Why these statistics of a Child are refused; empty: they are not.
  std::string objection(const RunningStatistics& own) const { return statistics_.objection(own); }

  bool averages_moments() const { return averages_moments_; }
  const AveragedMoments& current_moments() const { return moments_; }
  /// Of what comes with the weights in a frame; 0 unless moments are averaged.
  std::size_t moments_size() const { return averages_moments_ ? moments_.shape().size : 0; }
  /// Moments of this shape are averaged from now on, unless others are: those of the Children that are here,
  /// or of the rounds before. Why a Child that tells this shape, or none, is refused; empty: it is not.
  std::string begin_moments(const std::optional<MomentsShape>& told);

  /// Why these weights, or this change of weights, must not be merged: not finite, or out of proportion.
  std::optional<std::string> objection(std::span<const float> weights) const;

  /// A new session begins, and the Child is sent the weights. `child.name` is what the Child calls itself; it
  /// is shown as that, or as "name#2" while another session of that name is connected or may come back.
  /// `came_back`: the Child belonged to this run before, but cannot go on with its session. Then the name of
  /// a session that was lost at the same address is its own.
  void joined(ChildStatus child, std::uint64_t steps_counted_before, bool came_back,
              Clock::time_point now = Clock::now());
  /// A session whose link was lost goes on at this address. Nothing when there is none, or it is not this
  /// Child's; else the sequence of the last frame that was merged. The session keeps the name that it is
  /// shown by, unless a Child that came back has taken it.
  std::optional<std::uint64_t> rejoined(std::uint64_t session, const std::string& own_name,
                                        const std::string& address, Clock::time_point now = Clock::now());
  /// The codec of the link on which a joined session goes on.
  void codec_agreed(std::uint64_t session, CodecKind codec);
  /// Counts the bytes of a frame of a joined Child.
  void frame_received(std::uint64_t session, std::size_t bytes);
  void frame_sent(std::uint64_t session, std::size_t bytes);
  /// What the Child of a joined session is shown as.
  const std::string& shown_name_of(std::uint64_t session) const { return children_.at(session).status.name; }
  /// W_P = (1-alpha) W_P + alpha W_C, or by the user's rule, and counts it, for weights to which there was no
  /// objection; the Child is sent the result. `frame.session` must have joined. A rule that fails leaves W_P
  /// and the counts as they were, and status() tells its failure.
  /// `own` is what the Child has counted itself; there was no objection to it.
  MergeReport merge(const FrameHeader& frame, std::span<const float> weights,
                    Clock::time_point now = Clock::now(), NumberedStatistics own = {});
  /// W_P += to - from, which is no merge. Throws Error, and changes nothing, when the result is not finite.
  void change(std::span<const float> from, std::span<const float> to);
  /// Replaces what is known of a stream that is no Child's.
  void set_statistics(std::uint64_t stream, RunningStatistics statistics);

  // Several threads that merge.

  bool shares_weights() const { return shares_weights_; }
  /// W_P, which others may be writing.
  void copy_current(std::span<float> copy) const;
  /// On a thread of the pool.
  WeightsLook look_at(std::span<const float> weights) const;
  /// On the io thread: as merge(), but for W_P and ParentStatus::updates, for weights that look_at() had no
  /// objection to. It counts the merge, or throws and counts nothing; average() and end_merge() must follow.
  MergeReport begin_merge(const FrameHeader& frame, const ChangeSketch& pull,
                          Clock::time_point now = Clock::now(), NumberedStatistics own = {});
  /// On a thread of the pool: averages W_P with the weights of this session. `result` becomes W_P as this
  /// average has left it.
  void average(std::uint64_t session, std::span<const float> weights, std::span<float> result);
  /// On the io thread, when a merge that was begun is made. Counts it as an update.
  void end_merge();
  /// As updates(), with the merges that were begun.
  std::uint64_t updates_begun() const { return status_.updates + begun_; }

  // Rounds that Children make together. What a Child sends is kept until its round is over.

  bool makes_rounds() const { return round_.has_value(); }
  /// Takes what a joined Child has learnt in `steps`, to which there was no objection. There must be no
  /// contribution of its session yet. `moments`: of its optimizer, without a fault, where they are averaged.
  void contribute(const FrameHeader& frame, std::uint64_t steps, std::span<const float> change,
                  Clock::time_point now = Clock::now(), NumberedStatistics own = {},
                  OptimizerMoments moments = {});
  /// Whether what it has sent waits for the end of the round, or for room in the queue.
  bool has_contributed(std::uint64_t session) const { return contributions_.contains(session); }
  /// When the round is over at the latest; nothing while nobody has contributed.
  std::optional<Clock::time_point> round_deadline() const;
  bool is_round_over(Clock::time_point now = Clock::now()) const;
  /// W_P += what the outer optimizer makes of the mean change, which counts as one update; the Children that
  /// have contributed are sent the result. The round must be over. An outer optimizer whose result is not
  /// finite leaves W_P and the counts as they were, and status() tells its failure.
  RoundMergeReport merge_round(Clock::time_point now = Clock::now());
  const OuterOptimizer& current_outer_optimizer() const { return outer_optimizer_; }
  /// nullptr without one.
  const MergeMethod* current_merge_method() const { return method_.get(); }

  // Members of a population.

  bool has_population() const { return has_population_; }
  const Population& current_population() const { return population_; }
  /// That of a joined session.
  const PopulationMember& member_of(std::uint64_t session) const;
  /// Whether a Child of this name would be one member too many.
  bool is_population_full(const std::string& own_name) const;
  /// Takes what a joined member has sent; `is_sound`: there was no objection to its weights. W_P becomes the
  /// best member's weights, and the report counts as an update.
  MemberMergeReport take_member(const FrameHeader& frame, std::span<const float> weights, bool is_sound,
                                Clock::time_point now = Clock::now(), NumberedStatistics own = {});

  // Rounds of segments.

  bool takes_segments() const { return segments_.round_steps > 0; }
  const SegmentOptions& segments() const { return segments_; }
  /// Actors do not wait: what they have played goes through a queue.
  bool queues_segments() const { return queue_.has_value(); }
  /// What an actor is to play in its next round.
  std::uint64_t steps_to_play() const;
  /// Takes what a joined actor has played. There must be no contribution of its session yet.
  void contribute(const FrameHeader& frame, SegmentBatch batch, Clock::time_point now = Clock::now(),
                  NumberedStatistics own = {});
  /// Moves what actors have sent into the queue, the oldest first, as long as there is room; where the oldest
  /// is to be dropped there always is. Those whose batch is in the queue are sent the weights.
  void fill_queue(Clock::time_point now = Clock::now());
  /// The round must be over. Counts it, and begins the next one, which is not over before publish().
  SegmentRound take_segments(Clock::time_point now = Clock::now());
  /// A round was taken, and nothing was published since.
  bool is_learning() const { return learning_; }
  /// What was learnt becomes W_P, which counts as one update.
  void publish(std::vector<float>& weights, std::uint64_t run_steps);
  /// What the run has learnt from so far.
  std::uint64_t run_steps() const { return run_steps_; }
  /// The place of a joined actor, from 0, which no other one that is connected has, and how many places there
  /// are: as many as actors are expected, or more.
  std::pair<std::uint64_t, std::uint64_t> place_of(std::uint64_t session) const;

  /// The link is gone. The session is kept unless it is over `for_good`, or nothing was merged in it. What it
  /// has contributed to the open round is not merged.
  void left(std::uint64_t session, bool for_good);
  /// Those of the joined Children that are late now and were not at the last call. Nobody is within `floor`.
  std::vector<Lateness> become_late(Clock::duration floor, Clock::time_point now = Clock::now());
  /// For people, when it leaves: updates, staleness, time of a round.
  std::string summary(std::uint64_t session) const;
  void peer_refused(const std::string& reason, PeerFault fault = PeerFault::kNone);
  void update_refused(const std::string& reason);

 private:
  /// The norm of W_P.
  double own_norm() const;
  std::vector<float> copied_weights() const;
  /// The norm of W_P, if this one is out of proportion to it.
  std::optional<double> outgrown(double norm) const;
  /// Leaves the result in merged_. What the rule did wrong, or nothing. `method` runs in place of the rule
  /// where there is one.
  std::optional<std::string> run_rule(const FrameHeader& frame, const SessionRecord& record,
                                      const Played& since_merge, std::span<const float> weights,
                                      MergeMethod* method);

  /// The names that a Child which calls itself `own_name` might be shown by, and that others have: those that
  /// are connected, and those that may come back, but for sessions of that name at the address
  /// `came_back_to`.
  std::set<std::string> names_like(const std::string& own_name,
                                   const std::optional<std::string>& came_back_to) const;

  /// The least that no actor which is connected has; `wanted` if that is free.
  std::uint64_t free_place(std::uint64_t wanted) const;

  /// The population with the member of a Child that is shown as this; nobody's without a population.
  Population population_with(const std::string& shown_name) const;

  struct Contribution {
    FrameHeader frame;
    std::uint64_t steps = 0;
    std::vector<float> change;
    NumberedStatistics own;
    OptimizerMoments moments{};
    SegmentBatch batch{};
    std::uint64_t arrival = 0;  ///< in the order of arrival
  };

  /// With the mutex held.
  void add_contribution(std::uint64_t session, Contribution given, Clock::time_point now);
  /// What the open round's contributions tell of their Children's statistics, with those before.
  StreamStatistics statistics_with(const std::vector<RoundContribution>& told) const;
  /// Counts a round that closes now. With the mutex held.
  void count_closed_round(Clock::time_point now);
  /// Takes the segments out that are too old.
  SegmentContribution told_segments(RoundContribution told, SegmentBatch batch) const;
  SegmentRound take_queued(Clock::time_point now);
  /// SegmentRound::dropped_steps of the round that is taken now.
  std::uint64_t untold_dropped_steps();

  RoundContribution told_contribution(std::uint64_t session, const FrameHeader& frame) const;
  /// What the contributions of the open round tell, in the order of names. It does not depend on the order in
  /// which they came.
  std::vector<RoundContribution> told_contributions() const;
  /// Leaves the result in merged_. What the outer optimizer did wrong, or nothing.
  std::optional<std::string> run_outer_optimizer(const std::vector<WeightedChange>& changes,
                                                 OuterOptimizer& optimizer, MergeMethod* method);
  /// Adds to each Child's own weights what it has given, and leaves the mean of all in merged_. What is wrong
  /// with it, or nothing.
  std::optional<std::string> average_apart(const std::vector<RoundContribution>& told);
  /// Those of Children that begin to be apart with the weights in merged_; nothing where they do not after
  /// the round of these contributions.
  std::optional<ApartWeights> apart_after(const std::vector<RoundContribution>& told) const;
  /// Of those that are not dropped, in the order of `told`.
  std::vector<WeightedChange> changes_of(const std::vector<RoundContribution>& told) const;
  /// Fills in what each contribution does.
  void measure_influence(std::vector<RoundContribution>& told, const std::vector<WeightedChange>& changes);
  /// The moments with those of the open round's contributions, weighted as their changes are.
  AveragedMoments moments_with(const std::vector<RoundContribution>& told) const;
  /// Counts one contribution that was merged, and tells whether its Child was late.
  std::optional<Lateness> count(const RoundContribution& told, Clock::time_point now);
  /// Counts a merge of this Child's weights. With the mutex held. What may want memory comes first.
  void count_merge(SessionRecord& record, const FrameHeader& frame, MergeReport& report,
                   Clock::time_point now, NumberedStatistics own);
  /// Counts what a merge has added to the run and to its Child.
  void count(SessionRecord& record, const Played& told, const Played& since_merge, std::uint64_t staleness);

  const double alpha_;
  const bool shares_weights_;
  const double max_norm_growth_;
  const MergeRule rule_;
  const std::uint64_t max_staleness_;
  const std::uint64_t apart_from_steps_;
  const std::uint64_t first_steps_;
  const bool averages_moments_;
  const bool has_population_;
  const SegmentOptions segments_;
  const ParameterLayout& layout_;

  // The io thread's alone.
  std::optional<OpenRound> round_;                       // nothing unless Children make rounds together
  std::map<std::uint64_t, Contribution> contributions_;  // to it, or for the queue, by session
  std::uint64_t arrivals_ = 0;
  bool learning_ = false;
  std::uint64_t run_steps_;
  std::vector<float> mean_change_;
  std::vector<float> merged_;           // by the rule or the outer optimizer, until it becomes W_P
  std::vector<std::uint64_t> present_;  // for the rule
  std::optional<ApartWeights> apart_;   // nothing unless Children train apart now
  std::uint64_t begun_ = 0;             // merges that are not yet in status_.updates
  InfluenceMeter influence_;
  LostSessions lost_;
  std::multiset<std::string> connected_names_;  // by which Children are shown

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<float> weights_;  // where several threads merge: but for the elements
  StreamStatistics statistics_;
  OuterOptimizer outer_optimizer_;
  AveragedMoments moments_;
  std::unique_ptr<MergeMethod> method_;   // nullptr unless there is one
  Population population_;                 // of nobody unless there is one
  std::optional<SegmentQueue> queue_;     // nothing unless actors are asynchronous
  std::uint64_t told_dropped_steps_ = 0;  // of status_.rounds.dropped_steps, those that a round has told
  ParentStatus status_;                   // without `children`
  std::map<std::uint64_t, SessionRecord> children_;
};

}  // namespace genkidama
