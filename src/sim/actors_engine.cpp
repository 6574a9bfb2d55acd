// Asynchronous actors and their learner in virtual time.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/net/parent.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/segments.h"
#include "genkidama/wire/statistics.h"
#include "net/parent/parent_state.h"
#include "sim/engine.h"
#include "sim/event_queue.h"
#include "sim/machine_link.h"
#include "sim/pipe.h"

namespace genkidama::sim {
namespace {

// An actor waits for an answer that takes a small part of a round's time, as a real one does.
constexpr double kPatienceShare = 0.1;

enum class What : std::uint8_t {
  kPlayed,          ///< an actor has played a round
  kReachesLearner,  ///< a batch is at the learner's own link
  kBatch,           ///< a batch is at the learner
  kAnswer,          ///< the learner's weights are at the actor
  kOutOfPatience,   ///< an actor plays on without them
  kLearnt           ///< the learner has learnt from a round
};

struct Event {
  What what = What::kPlayed;
  std::uint32_t actor = 0;
  std::uint64_t number = 0;      ///< kPlayed, kOutOfPatience: what was planned before is void
  Clock::time_point first = {};  ///< kReachesLearner: when the first byte came
};

struct Actor {
  Actor(const SimulatedMachine& model, LocalTrainer& player, Random numbers)
      : machine(model.machine), trainer(player), link(model.link), random(numbers) {}

  const MachineModel& machine;
  LocalTrainer& trainer;
  MachineLink link;
  Random random;
  std::uint64_t version = 0, round_steps = 0;  ///< of the weights that it plays with
  Clock::time_point due{};                     ///< is_playing: the round's end
  double round_seconds = 0;
  bool is_playing = false;
  std::uint64_t number = 0;                        ///< of its latest plan
  Clock::time_point since = kBeginning;            ///< since when it does nothing
  std::optional<SegmentBatch> played;              ///< while it plays, and until it is sent
  std::optional<SegmentBatch> sent;                ///< on its way to the learner
  bool is_unanswered = false, has_answer = false;  ///< has_answer: to be taken when the round has ended
  std::uint64_t sequence = 0;
  std::uint64_t steps = 0, episodes = 0;  ///< of everything that was sent
  // The answer that is on its way.
  std::vector<float> weights;
  std::uint64_t weights_version = 0, weights_round_steps = 0, run_steps = 0;
  RunningStatistics others;
};

ParentOptions learner_options(const SimulationOptions& options, const LocalTrainer& learner) {
  ParentOptions parent;
  parent.exchange = ExchangeKind::kSegments;
  parent.segments = options.segments;
  parent.segments.shape = learner.segment_shape();
  parent.rounds.first_children = options.machines.size();
  parent.rounds.max_staleness = options.max_policy_lag;
  parent.statistics = StreamStatistics(learner.statistics_components());
  return parent;
}

std::vector<float> weights_of(const LocalTrainer& trainer) {
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  return weights;
}

/// The first machine learns, too; it does not play meanwhile.
class ActorsEngine final : public Engine {
 public:
  /// The learner's trainer is the last one.
  ActorsEngine(const SimulationOptions& options, const std::vector<LocalTrainer*>& trainers)
      : options_(options),
        learner_(*trainers.back()),
        weights_(weights_of(learner_)),
        state_(learner_options(options, learner_), learner_.layout(), weights_),
        ingress_(options.parent_bits_per_second),
        egress_(options.parent_bits_per_second) {
    actors_.reserve(options.machines.size());
    for (std::size_t i = 0; i < options.machines.size(); ++i)
      actors_.emplace_back(options.machines[i], *trainers[i], random_of(options, i));
  }

  SimulationSummary run(const Simulation::Observer& observer) override {
    const auto limit =
        options_.max_seconds > 0 ? kBeginning + span_of(options_.max_seconds) : Clock::time_point::max();
    for (std::uint32_t i = 0; i < actors_.size(); ++i) join(i);
    // An actor always plays, or waits for an answer that comes.
    for (bool goes_on = true; goes_on;) {
      if (queue_.next_at() > limit) return summary(limit, "max-seconds");
      if (options_.give_up && queue_.taken() % kEventsBetweenLooks == 0 && options_.give_up())
        return summary(now(), "signal");
      const Event event = queue_.take();
      handle(event);
      serve();
      if (event.what == What::kLearnt) goes_on = observer(update());
    }
    return summary(now(), "");
  }

 private:
  static constexpr std::uint64_t kEventsBetweenLooks = 256;
  static constexpr std::uint32_t kLearner = 0;  // the actor on the learner's machine

  Clock::time_point now() const { return queue_.now(); }

  void handle(const Event& event) {
    Actor& actor = actors_[event.actor];
    switch (event.what) {
      case What::kPlayed:
        if (event.number == actor.number) end_round(actor, event.actor);
        break;
      case What::kReachesLearner:
        queue_.plan(ingress_.pass({event.first, now()}, wire_bytes_of(*actor.sent)).last,
                    {What::kBatch, event.actor});
        break;
      case What::kBatch:
        take_batch(actor, event.actor);
        break;
      case What::kAnswer:
        take_answer(actor, event.actor);
        break;
      case What::kOutOfPatience:
        if (event.number == actor.number) start_round(actor, event.actor);
        break;
      case What::kLearnt:
        is_learning_ = false;
        state_.publish(weights_, played_.steps);
        break;
    }
  }

  // The learner.

  std::uint64_t session_of(std::uint32_t actor) const { return actor + std::uint64_t{1}; }

  void join(std::uint32_t number) {
    ChildStatus status;
    status.name = name_of(number);
    status.address = status.name;
    status.session = session_of(number);
    state_.joined(std::move(status), 0, false, now());
    send_weights(actors_[number], number);
  }

  // Of equal length, so that the order of names is that of numbers.
  static std::string name_of(std::uint32_t number) { return fmt::format("actor-{:06}", number + 1); }

  void take_batch(Actor& actor, std::uint32_t number) {
    FrameHeader header;
    header.session = session_of(number);
    header.sequence = ++actor.sequence;
    SegmentBatch batch = std::move(*std::exchange(actor.sent, {}));
    actor.steps += batch.steps;
    actor.episodes += batch.episodes.size();
    header.environment_steps = actor.steps;
    header.episodes = actor.episodes;
    header.update = batch.segments.empty() ? 0 : batch.segments.back().policy_version;
    NumberedStatistics own;
    if (state_.statistics_components() > 0)
      own = {session_of(number), actor.trainer.own_statistics().statistics};
    state_.contribute(header, std::move(batch), now(), std::move(own));
    unanswered_.push_back(number);
  }

  /// What is there is queued, learnt from and answered.
  void serve() {
    state_.fill_queue(now());
    if (state_.is_round_over(now())) {
      learn(state_.take_segments(now()));
      state_.fill_queue(now());
    }
    std::erase_if(unanswered_, [this](std::uint32_t number) {
      if (state_.has_contributed(session_of(number))) return false;
      send_weights(actors_[number], number);
      return true;
    });
  }

  void learn(SegmentRound round) {
    std::vector<Segment> segments;
    std::uint64_t steps = 0, episodes = 0;
    for (SegmentContribution& given : round.contributions) {
      summary_.segments += given.counts;
      steps += given.batch.steps - given.counts.late_steps;
      episodes += given.batch.episodes.size();
      recent_.add(given.batch.episodes);
      std::move(given.batch.segments.begin(), given.batch.segments.end(), std::back_inserter(segments));
    }
    const RoundReport report = learner_.learn_round(segments, steps);
    if (learner_.statistics_components() > 0) learner_.write_other_statistics(state_.statistics().all());
    learner_.read_weights(weights_);
    played_ += Played{steps, episodes};
    summary_.optimizer_steps += report.optimizer_steps;
    const MachineModel& machine = options_.machines.front().machine;
    Actor& own = actors_[kLearner];
    const double seconds = with_jitter(
        machine, machine.factor * machine.seconds_per_gradient * static_cast<double>(report.optimizer_steps),
        own.random);
    summary_.computing_seconds += seconds;
    is_learning_ = true;
    learns_until_ = now() + span_of(seconds);
    queue_.plan(learns_until_, {What::kLearnt});
    if (!own.is_playing) {
      own.since += span_of(seconds);
      return;
    }
    own.due += span_of(seconds);
    queue_.plan(own.due, {What::kPlayed, kLearner, ++own.number});
  }

  void send_weights(Actor& actor, std::uint32_t number) {
    const auto present = state_.current();
    actor.weights.assign(present.begin(), present.end());
    actor.weights_version = state_.updates();
    actor.weights_round_steps = state_.steps_to_play();
    actor.run_steps = state_.run_steps();
    if (state_.statistics_components() > 0) actor.others = state_.other_statistics(session_of(number));
    if (number == kLearner) {
      queue_.plan(now(), {What::kAnswer, number});
      return;
    }
    const std::size_t message =
        frame_bytes(actor.weights.size(), statistics_bytes(state_.statistics_components()));
    const std::size_t bytes = bytes_on_wire(message);
    summary_.bytes_down += bytes;
    const Passage sent = egress_.pass({now(), now()}, bytes);
    queue_.plan(actor.link.receive(sent, message, actor.random), {What::kAnswer, number});
  }

  // Actors.

  void start_round(Actor& actor, std::uint32_t number) {
    summary_.waiting_seconds += std::max(0.0, seconds_of(now() - actor.since));
    std::vector<Segment> segments;
    RoundReport report = actor.trainer.play_round(actor.round_steps, segments);
    for (Segment& segment : segments) segment.policy_version = actor.version;
    SegmentBatch batch;
    batch.steps = report.steps_in_round;
    batch.lost_episodes = report.lost_episodes;
    batch.episodes = std::move(report.episodes);
    batch.segments = std::move(segments);
    const MachineModel& machine = actor.machine;
    actor.round_seconds = with_jitter(
        machine, playing_seconds(machine, static_cast<double>(batch.steps), options_.environments),
        actor.random);
    actor.played = std::move(batch);
    actor.is_playing = true;
    // The learner's machine plays when it has learnt.
    const Clock::time_point from = number == kLearner && is_learning_ ? learns_until_ : now();
    actor.due = from + span_of(actor.round_seconds);
    queue_.plan(actor.due, {What::kPlayed, number, ++actor.number});
  }

  void end_round(Actor& actor, std::uint32_t number) {
    actor.is_playing = false;
    actor.since = now();
    summary_.computing_seconds += actor.round_seconds;
    if (std::exchange(actor.has_answer, false)) take_weights(actor, number);
    // With one batch on its way and one more that was played, it waits.
    if (!actor.is_unanswered) send_batch(actor, number);
  }

  void send_batch(Actor& actor, std::uint32_t number) {
    actor.sent = std::exchange(actor.played, {});
    actor.is_unanswered = true;
    if (number == kLearner) {
      queue_.plan(now(), {What::kBatch, number});
    } else {
      const std::size_t message = message_bytes_of(*actor.sent);
      summary_.bytes_up += wire_bytes_of(*actor.sent);
      const Passage there = actor.link.send({now(), now()}, message, actor.random);
      const What what = options_.parent_bits_per_second > 0 ? What::kReachesLearner : What::kBatch;
      queue_.plan(there.last, {what, number, 0, there.first});
    }
    queue_.plan(now() + span_of(kPatienceShare * actor.round_seconds),
                {What::kOutOfPatience, number, ++actor.number});
  }

  void take_answer(Actor& actor, std::uint32_t number) {
    actor.is_unanswered = false;
    if (actor.is_playing) {
      actor.has_answer = true;
      return;
    }
    take_weights(actor, number);
    if (actor.played) {
      send_batch(actor, number);
    } else {
      start_round(actor, number);
    }
  }

  void take_weights(Actor& actor, std::uint32_t number) {
    actor.trainer.write_weights(actor.weights);
    if (actor.others.components() > 0) actor.trainer.write_other_statistics(actor.others);
    actor.version = actor.weights_version;
    actor.round_steps = actor.weights_round_steps;
    actor.trainer.follow_run({actor.run_steps, number, actors_.size()});
  }

  std::size_t message_bytes_of(const SegmentBatch& batch) const {
    return kFrameHeaderBytes + statistics_bytes(state_.statistics_components()) +
           static_cast<std::size_t>(batch.steps) * options_.bytes_per_step;
  }
  std::size_t wire_bytes_of(const SegmentBatch& batch) const {
    return bytes_on_wire(message_bytes_of(batch));
  }

  SimulatedUpdate update() const {
    SimulatedUpdate update;
    update.seconds = seconds_of(now() - kBeginning);
    update.update = state_.updates();
    update.played = played_;
    update.recent_return = recent_.mean();
    update.weights = state_.current();
    if (state_.statistics_components() > 0) update.all_statistics = state_.statistics().all();
    return update;
  }

  SimulationSummary summary(Clock::time_point end, std::string why) const {
    SimulationSummary summary = summary_;
    summary.seconds = seconds_of(end - kBeginning);
    summary.updates = state_.updates();
    summary.played = played_;
    // What is under way counts up to the end.
    if (is_learning_) summary.computing_seconds -= std::max(0.0, seconds_of(learns_until_ - end));
    for (const Actor& actor : actors_) {
      if (actor.is_playing) {
        const double rest = std::max(0.0, seconds_of(actor.due - end));
        summary.computing_seconds += std::max(0.0, actor.round_seconds - rest);
      } else {
        summary.waiting_seconds += std::max(0.0, seconds_of(end - actor.since));
      }
    }
    summary.segments.queue_dropped_steps = state_.status(end).rounds.dropped_steps;
    summary.events = queue_.taken();
    summary.end = std::move(why);
    return summary;
  }

  const SimulationOptions& options_;
  LocalTrainer& learner_;
  std::vector<float> weights_;  ///< that the learner has learnt, until they are published
  ParentState state_;
  Pipe ingress_, egress_;  // the learner's own link
  std::vector<Actor> actors_;
  std::vector<std::uint32_t> unanswered_;  // batches came from them
  EventQueue<Event> queue_;
  bool is_learning_ = false;
  Clock::time_point learns_until_{};
  RecentReturns recent_;
  Played played_;
  SimulationSummary summary_;
};

}  // namespace

std::unique_ptr<Engine> make_actors_engine(const SimulationOptions& options,
                                           const std::vector<LocalTrainer*>& trainers) {
  return std::make_unique<ActorsEngine>(options, trainers);
}

}  // namespace genkidama::sim
