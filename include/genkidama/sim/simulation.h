#pragma once

/// @file
/// Many machines on one: a simulation of a Parent and its Children, of a learner and its players, or of a
/// server and the hosts of its environments, in virtual time. The learning, the exchange and the merges are
/// the real ones; only time, machines and links are a model.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/net/round_options.h"
#include "genkidama/net/segment_options.h"
#include "genkidama/params/codec_kind.h"
#include "genkidama/params/exchange_kind.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/params/merge_method.h"
#include "genkidama/params/merge_rule.h"
#include "genkidama/params/outer_optimizer.h"
#include "genkidama/params/segment_counts.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace sim {

/// Where the agent is cut: what crosses between machines.
enum class Cut {
  kAlone,    ///< nothing: one machine trains by itself, as `train` does
  kWeights,  ///< each machine learns, and a Parent merges what they have learnt
  /// Experience: all machines play, each an equal part of a round, and a learner on the first one trains on
  /// all of it before the next round begins. It learns what one machine learns from rounds of that length.
  kSegments,
  /// Both: groups of machines, each of which is a learner with its players as in kSegments. The learners
  /// exchange weights with a Parent as the machines of kWeights do; a round of a Child is one of its group.
  kTree,
  /// Observations and actions: the first machine trains, and the others are hosts that only step its
  /// environments (genkidama/net/environments.h). The first one computes the actions of all environments in
  /// one batch, asks all hosts, and goes on when all have answered. It learns what one machine learns from
  /// rounds of that length in so many environments.
  kEnvironments,
  /// Gradients: the weights are in slices at shards (genkidama/net/shard.h), and every machine is a learner.
  /// It plays an equal part of a round, computes an equal part of its gradients, sends each shard its slice
  /// of one, and computes the next one when all shards have answered. What is learnt is what one machine
  /// learns from rounds of that length: that a gradient may be some optimizer steps old is not modelled.
  /// Learners begin a round together, which real ones do not, so machines that differ are a little faster in
  /// truth.
  kGradients,
};

/// The name of a cut: "alone", "weights", "segments", "tree", "environments" or "gradients".
const char* cut_name(Cut cut);
/// The cut of that name; nothing when there is none.
std::optional<Cut> cut_of(std::string_view name);

/// What a machine can do, and when it is there. Times are in seconds.
struct MachineModel {
  double seconds_per_step = 0;      ///< playing one environment step, the policy's forward pass with it; >= 0
  double seconds_per_gradient = 0;  ///< one optimizer step, its gradient with it; >= 0
  /// What of seconds_per_step is the policy's forward pass. With Cut::kEnvironments the first machine
  /// computes that, and a host the rest.
  double seconds_per_inference = 0;
  double factor = 1;  ///< multiplies both: 10 is a machine ten times slower; > 0
  /// Each round takes up to this share longer, uniformly at random; >= 0.
  double jitter = 0;
  /// The most steps a second in each environment, as of a robot; 0: no limit.
  double steps_per_second = 0;
  double joins_seconds = 0;  ///< when it begins
  /// When it leaves for good; 0: never.
  double leaves_seconds = 0;
  /// The machine is there for so long at a time, and then away for away_seconds; 0: it is always there. While
  /// it is away it computes nothing and has no link. It comes back to its session as a Child does whose link
  /// was lost.
  double present_seconds = 0;
  double away_seconds = 0;  ///< as above
};

/// A machine's link to the Parent or learner; the same both ways, and both at once. A transfer pays for TCP:
/// 52 bytes of headers for each 1,448 bytes, and a window of ten packets that doubles with each round trip.
struct LinkModel {
  double latency_seconds = 0;  ///< one way; half of what `ping` tells
  double bits_per_second = 0;  ///< 0: without limit
  double jitter_seconds = 0;   ///< each transfer takes up to so much longer, uniformly at random
  /// The share of packets that are lost, in [0, 0.5]. A lost packet is sent again after a round trip, and
  /// after at least 200 ms when fewer than four packets follow it.
  double loss = 0;
  /// The link works for so long at a time, and then nothing crosses it for partition_seconds; 0: it always
  /// works. Both ends stay. What is sent meanwhile arrives when TCP has sent it again after the partition. A
  /// partition that lasts longer than LinkLimits::idle_timeout ends the connection, as a real one does; only
  /// a Child can be joined again.
  double connected_seconds = 0;
  double partition_seconds = 0;  ///< as above
};

/// One machine.
struct SimulatedMachine {
  MachineModel machine;  ///< what it can do
  LinkModel link;        ///< how it is connected
};

/// How a Parent and its Children exchange weights. The fields mean what those of ParentOptions and
/// ChildOptions mean.
struct ExchangeModel {
  ExchangeKind kind = ExchangeKind::kRounds;  ///< each or rounds
  double alpha = 0.9;                         ///< each
  double beta = 0;                            ///< each
  bool overlap = false;                       ///< each
  MergeRule merge_rule{};                     ///< each
  /// Either: ParentOptions::merge_method; nullptr: none.
  std::shared_ptr<const MergeMethod> merge_method{};
  RoundOptions rounds{};                    ///< rounds
  OuterOptimizerOptions outer_optimizer{};  ///< rounds
  bool average_moments = false;             ///< rounds
  CodecKind codec = CodecKind::kFloat32;    ///< how weights travel, both ways
};

/// What is simulated.
struct SimulationOptions {
  Cut cut = Cut::kWeights;                 ///< what crosses between machines
  std::vector<SimulatedMachine> machines;  ///< at least one
  ExchangeModel exchange;                  ///< Cut::kWeights and Cut::kTree
  /// Cut::kWeights: more than 1: so many Parents stand between the topmost one and the machines. Each merges
  /// those of its group, which are neighbours in `machines`, and is a Child of the topmost one, as
  /// UpperParent has it, by the same exchange. 1: the machines are the topmost Parent's Children.
  ///
  /// Cut::kTree: how many groups there are, which divides the number of machines. The first machines are the
  /// first group, and the first machine of a group has its learner.
  std::size_t groups = 1;
  /// Each group's link to the topmost Parent; empty: that of its first machine.
  std::vector<LinkModel> group_links{};
  /// What all transfers to the Parent or learner together may take, and all from it: they queue for it; 0: no
  /// limit beyond that of each link. Every middle Parent has the same limit; the learners of Cut::kTree have
  /// none.
  double parent_bits_per_second = 0;
  /// Cut::kSegments and Cut::kTree: what one environment step takes on the wire.
  std::size_t bytes_per_step = 0;
  /// Cut::kSegments: with ActorMode::kAsynchronous the machines play on while the learner learns, and send
  /// what they have played when a round has ended; the fields then mean what those of a Parent mean. The
  /// first machine plays when it does not learn. Otherwise only `mode` is looked at.
  SegmentOptions segments{};
  std::uint64_t max_policy_lag = 20;  ///< asynchronous: RoundOptions::max_staleness
  std::size_t bytes_per_request = 0;  ///< Cut::kEnvironments: what asking an environment takes on the wire
  std::size_t bytes_per_answer = 0;   ///< Cut::kEnvironments: what its answer takes
  /// Cut::kGradients: how many shards there are, 1 to 64, each with a link of parent_bits_per_second of its
  /// own.
  std::size_t shards = 1;
  /// Environments of each machine that are played side by side. A pace (MachineModel::steps_per_second) is
  /// that of each of them. The first machine of Cut::kEnvironments has none.
  int environments = 1;
  std::uint64_t seed = 1;  ///< of jitter and loss
  /// Virtual seconds after which the simulation ends, also where no update comes; 0: no limit.
  double max_seconds = 0;
  /// Asked now and then in the thread of run(); true ends the simulation. May be empty.
  std::function<bool()> give_up{};
};

/// A moment of the simulation: a merge, or a round of Cut::kAlone, Cut::kSegments and Cut::kEnvironments.
struct SimulatedUpdate {
  double seconds = 0;        ///< virtual time since the beginning
  std::uint64_t update = 0;  ///< merges or rounds so far, this one included
  Played played;             ///< by all machines so far, in rounds that have ended
  /// The mean return of the latest 100 episodes of all machines; nothing before the first one.
  std::optional<double> recent_return{};
  std::span<const float> weights{};    ///< after it; valid only during the call
  RunningStatistics all_statistics{};  ///< what all machines have counted, to normalise with
};

/// What a simulation came to.
struct SimulationSummary {
  double seconds = 0;                 ///< virtual time at its end
  std::uint64_t updates = 0;          ///< merges or rounds
  Played played;                      ///< by all machines
  std::uint64_t optimizer_steps = 0;  ///< by all machines
  std::uint64_t bytes_up = 0;         ///< to the Parent and to learners, headers with them
  std::uint64_t bytes_down = 0;       ///< from them
  double computing_seconds = 0;       ///< the sum over all machines
  double waiting_seconds = 0;         ///< for answers or for others, the sum over all machines
  std::uint64_t contributions = 0;    ///< what was merged or dropped, by all machines
  std::uint64_t late = 0;         ///< rounds: contributions that were learnt from weights of an earlier round
  std::uint64_t dropped = 0;      ///< rounds: late ones that count nothing
  std::uint64_t by_deadline = 0;  ///< rounds that a deadline has closed
  double mean_staleness = 0;      ///< over all contributions
  /// Asynchronous actors: how old the segments were, and what was not learnt from. `played` does not have it.
  SegmentCounts segments{};
  /// Cut::kEnvironments: how often the server has asked all hosts and got their answers.
  std::uint64_t turns = 0;
  std::uint64_t links_lost = 0;  ///< how often a machine went away, or a partition ended a connection
  std::uint64_t events = 0;      ///< that were simulated
  /// Why it ended: "" when the observer wanted that, "max-seconds", "signal" (give_up), else that no machine
  /// is left, or what went wrong.
  std::string end{};
};

/// Plays one simulation. Everything happens in the thread that calls run(): the same trainers, options and
/// seed give the same result, bit for bit, on the same build and processor.
class Simulation {
 public:
  /// Is told of each update, and returns whether to go on.
  using Observer = std::function<bool(const SimulatedUpdate&)>;

  /// `trainers`: one for each machine with Cut::kWeights, of equal layouts, the first of which gives the
  /// Parent's first weights. With Cut::kSegments and asynchronous actors one for each machine that plays for
  /// a learner elsewhere, and behind them the learner's, which learns from what it is given. With Cut::kTree
  /// one for each group, in their order, which plays for all of its machines. One otherwise.
  /// They outlive the simulation. Throws ArgumentError for options out
  /// of range and for another number of trainers.
  Simulation(SimulationOptions options, std::vector<LocalTrainer*> trainers);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// Simulates until the observer returns false, the options end it, or no machine is left. To be called
  /// once. Throws what a trainer throws.
  SimulationSummary run(const Observer& observer);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sim
}  // namespace genkidama
