// A Parent and its Children in virtual time. A Child is one machine, or a learner with its players.

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "genkidama/wire/frame.h"
#include "genkidama/wire/statistics.h"
#include "sim/engine.h"
#include "sim/event_queue.h"
#include "sim/partitions.h"
#include "sim/pipe.h"
#include "sim/player_group.h"
#include "sim/virtual_child.h"
#include "sim/virtual_parent.h"

namespace genkidama::sim {
namespace {

// What crosses a link before the first weights do: TCP's handshake, the HTTP upgrade, hello.
constexpr int kCrossingsToHello = 5;

enum class What : std::uint8_t {
  kComes,          ///< a machine begins, or is back
  kHello,          ///< its hello is at the Parent
  kFirstWeights,   ///< the Parent's first weights on a new link are at the Child
  kRoundEnds,      ///< a machine has played and learnt its round
  kReachesParent,  ///< a frame is at the Parent's own link
  kFrame,          ///< a frame is at the Parent
  kAnswer,         ///< the Parent's answer is at the Child
  kDeadline,       ///< the open round may have to be closed
  kSilence,        ///< a link has been dead for too long
  kGoes            ///< a machine leaves
};

struct Event {
  What what = What::kComes;
  std::uint32_t child = 0;
  std::uint64_t epoch = 0;       ///< of the link, or of the presence; what belongs to an earlier one is void
  Clock::time_point first = {};  ///< kReachesParent: when the first byte came
};

ChildOptions child_options(const ExchangeModel& model) {
  ChildOptions options;
  options.exchange = model.kind;
  options.beta = model.beta;
  options.overlap = model.overlap;
  options.codec = model.codec;
  options.average_moments = model.average_moments;
  return options;
}

ParentOptions parent_options(const ExchangeModel& model, std::size_t components) {
  ParentOptions options;
  options.exchange = model.kind;
  options.alpha = model.alpha;
  options.merge_rule = model.merge_rule;
  options.merge_method = model.merge_method;
  options.rounds = model.rounds;
  options.outer_optimizer = OuterOptimizer(model.outer_optimizer);
  options.average_moments = model.average_moments;
  options.statistics = StreamStatistics(components);
  return options;
}

std::vector<float> weights_of(const LocalTrainer& trainer) {
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  return weights;
}

struct Member {
  Member(const MachineModel& computer, const LinkModel& wire, const ChildOptions& options,
         LocalTrainer& trainer, Random numbers)
      : machine(computer),
        link(wire),
        child(options, trainer),
        up(link.bits_per_second),
        down(link.bits_per_second),
        partitions(link),
        random(numbers) {}

  const MachineModel& machine;  // of a group: the first one
  const LinkModel link;         // to the Parent
  VirtualChild child;
  std::optional<PlayerGroup> group;  // of several machines
  Pipe up, down;
  Partitions partitions;
  Random random;
  std::span<const std::byte>
      up_frame;  // the one that is on its way; the Child sends no other before it is answered
  std::vector<std::byte> down_frame;  // as well
  Welcome welcome;
  std::uint64_t epoch = 0;     // grows with each loss of the link
  std::uint64_t presence = 0;  // grows with each absence of the machine
  bool is_present = false, is_waiting = false, is_training = false, has_begun = false;
  Clock::time_point since{};  // is_waiting
  Clock::time_point due{};    // is_training: the round's end
  double round_seconds = 0;   // is_training: what the whole round takes, absences left out; not of a group
  Played played;              // in the round that is trained
  std::vector<EpisodeResult> episodes;
  Clock::duration rest{};  // of a round that the machine's absence has interrupted
};

class ClusterEngine final : public Engine {
 public:
  ClusterEngine(const SimulationOptions& options, const std::vector<LocalTrainer*>& trainers)
      : options_(options),
        child_options_(child_options(options.exchange)),
        trainers_(trainers),
        parent_(parent_options(options.exchange, trainers.front()->statistics_components()),
                trainers.front()->layout(), weights_of(*trainers.front()), trainers.size(),
                options.exchange.codec, trainers.front()->moments_shape()),
        ingress_(options.parent_bits_per_second),
        egress_(options.parent_bits_per_second) {
    members_.reserve(trainers.size());
    for (std::size_t i = 0; i < trainers.size(); ++i) {
      add_member(i, *trainers[i]);
      const auto child = static_cast<std::uint32_t>(i);
      const MachineModel& machine = members_.back()->machine;
      queue_.plan(kBeginning + span_of(machine.joins_seconds), {What::kComes, child});
      if (const double leaves = machine.leaves_seconds; leaves > 0)
        queue_.plan(kBeginning + span_of(leaves), {What::kGoes, child, kForGood});
    }
  }

  SimulationSummary run(const Simulation::Observer& observer) override {
    const auto limit =
        options_.max_seconds > 0 ? kBeginning + span_of(options_.max_seconds) : Clock::time_point::max();
    bool goes_on = true;
    while (goes_on && !queue_.is_empty()) {
      if (queue_.next_at() > limit) {
        last_ = limit;
        return summary("max-seconds");
      }
      if (options_.give_up && queue_.taken() % kEventsBetweenLooks == 0 && options_.give_up())
        return summary("signal");
      handle(queue_.take());
      send_answers();
      watch_deadline();
      if (parent_.state().updates() > std::exchange(told_, parent_.state().updates())) {
        goes_on = observer(update());
        told_events_ = queue_.taken();
        told_at_ = now();
      } else if (queue_.taken() - told_events_ > kEventsWithoutUpdate * (members_.size() + 1) ||
                 now() - told_at_ > 2 * span_of(kLongestSpan_s)) {
        return summary("no machine gets a round through");
      }
    }
    return summary(goes_on ? "no machine is left" : "");
  }

 private:
  static constexpr std::uint64_t kForGood = ~std::uint64_t{0};
  static constexpr std::uint64_t kEventsBetweenLooks = 256;
  // Of each machine, which comes and goes, or loses its link, many times within a long round.
  static constexpr std::uint64_t kEventsWithoutUpdate = 5'000;

  Clock::time_point now() const { return queue_.now(); }

  void add_member(std::size_t number, LocalTrainer& trainer) {
    const std::size_t machines = machines_of_child(options_), first = number * machines;
    const SimulatedMachine& model = options_.machines[first];
    const bool has_own_link = options_.cut == Cut::kTree && !options_.group_links.empty();
    const LinkModel& link = has_own_link ? options_.group_links[number] : model.link;
    // A group of one is a machine. The numbers of the others are those of their players.
    const std::size_t stream = machines == 1 ? number : options_.machines.size() + number;
    members_.push_back(
        std::make_unique<Member>(model.machine, link, child_options_, trainer, random_of(options_, stream)));
    if (machines > 1) members_.back()->group.emplace(options_, first, machines, 0);
  }

  void handle(const Event& event) {
    if (event.what == What::kDeadline) {
      deadline_.reset();
      const std::uint64_t before = parent_.state().updates();
      parent_.look(now());
      if (parent_.state().updates() > before) last_ = now();
      return;
    }
    Member& member = *members_[event.child];
    const bool moves = event.what == What::kComes || event.what == What::kGoes;
    const bool is_of_machine = moves || event.what == What::kRoundEnds;
    const bool happens = event.epoch == (is_of_machine ? member.presence : member.epoch);
    // What a machine leaves behind that has gone does not happen.
    if (moves || happens) last_ = now();
    if (event.what == What::kComes) {
      come(member, event.child);
    } else if (event.what == What::kGoes) {
      if (event.epoch == kForGood || happens) go(member, event.child, event.epoch == kForGood);
    } else if (happens) {
      handle(member, event);
    }
  }

  void handle(Member& member, const Event& event) {
    switch (event.what) {
      case What::kHello:
        greet(member, event.child);
        break;
      case What::kFirstWeights:
        member.child.joined(member.welcome, member.down_frame);
        if (!std::exchange(member.has_begun, true)) start_round(member, event.child);
        break;
      case What::kRoundEnds:
        end_round(member, event.child);
        break;
      case What::kReachesParent: {
        const auto bytes = bytes_on_wire(member.up_frame.size());
        queue_.plan(ingress_.pass({event.first, now()}, bytes).last,
                    {What::kFrame, event.child, member.epoch});
        break;
      }
      case What::kFrame:
        parent_.receive(event.child, member.up_frame, now());
        break;
      case What::kAnswer:
        member.child.answered(member.down_frame);
        end_wait(member, event.child);
        break;
      case What::kSilence:
        lose_link(member, event.child, /*for_good=*/false);
        go_on_alone(member, event.child);
        dial(member, event.child, member.partitions.connected_at(now()));
        break;
      default:
        break;
    }
  }

  // Machines that come and go.

  void come(Member& member, std::uint32_t child) {
    const MachineModel& machine = member.machine;
    if (has_left_for_good(machine)) return;
    member.is_present = true;
    dial(member, child, member.partitions.connected_at(now()));
    if (machine.present_seconds > 0)
      queue_.plan(now() + span_of(machine.present_seconds), {What::kGoes, child, member.presence});
    if (!member.has_begun) return;
    if (member.is_training) {
      member.due = now() + member.rest;
      queue_.plan(member.due, {What::kRoundEnds, child, member.presence});
    } else {
      start_round(member, child);
    }
  }

  bool has_left_for_good(const MachineModel& machine) const {
    return machine.leaves_seconds > 0 && now() >= kBeginning + span_of(machine.leaves_seconds);
  }

  void go(Member& member, std::uint32_t child, bool for_good) {
    if (!member.is_present) return;
    member.is_present = false;
    ++member.presence;
    lose_link(member, child, for_good);
    if (member.is_training) member.rest = member.due - now();
    if (member.is_waiting) {
      stop_waiting(member);
      member.child.take_answer();
    }
    if (!for_good)
      queue_.plan(now() + span_of(member.machine.away_seconds), {What::kComes, child, member.presence});
  }

  /// A new connection, from then on.
  void dial(Member& member, std::uint32_t child, Clock::time_point from) {
    const Clock::duration to_hello = kCrossingsToHello * span_of(member.link.latency_seconds);
    queue_.plan(member.partitions.arrival(from, from + to_hello), {What::kHello, child, member.epoch});
    if (member.partitions.break_links())
      queue_.plan(member.partitions.lost_at(from), {What::kSilence, child, member.epoch});
  }

  void lose_link(Member& member, std::uint32_t child, bool for_good) {
    ++member.epoch;
    ++links_lost_;
    parent_.left(child, for_good, now());
    member.child.lost();
  }

  /// The machine is there and has no link: nothing comes that it could wait for.
  void go_on_alone(Member& member, std::uint32_t child) {
    if (!member.is_waiting) return;
    stop_waiting(member);
    member.child.take_answer();
    start_round(member, child);
  }

  // Rounds.

  void start_round(Member& member, std::uint32_t child) {
    const RoundReport& report = member.child.train();
    optimizer_steps_ += report.optimizer_steps;
    member.played = report.in_round();
    member.episodes = report.episodes;
    member.is_training = true;
    member.due = end_of_round(member, report);
    queue_.plan(member.due, {What::kRoundEnds, child, member.presence});
  }

  /// Of the round that begins now.
  Clock::time_point end_of_round(Member& member, const RoundReport& report) {
    const auto steps = static_cast<double>(report.steps_in_round);
    if (member.group) {
      const LocalTrainer& trainer = member.child.trainer();
      member.group->send_weights(
          now(), frame_bytes(trainer.layout().size(), statistics_bytes(trainer.statistics_components())));
      return member.group->play_round(steps, report.optimizer_steps);
    }
    const MachineModel& machine = member.machine;
    const double playing = playing_seconds(machine, steps, options_.environments);
    const double learning =
        machine.factor * machine.seconds_per_gradient * static_cast<double>(report.optimizer_steps);
    member.round_seconds = with_jitter(machine, playing + learning, member.random);
    return now() + span_of(member.round_seconds);
  }

  void end_round(Member& member, std::uint32_t child) {
    member.is_training = false;
    if (!member.group) computing_ += member.round_seconds;
    played_ += member.played;
    recent_.add(member.episodes);
    const bool waits = member.child.send_round();
    if (const auto frame = member.child.take_outgoing()) send_up(member, child, *frame);
    if (waits) {
      member.is_waiting = true;
      member.since = now();
    } else {
      start_round(member, child);
    }
  }

  void stop_waiting(Member& member) {
    member.is_waiting = false;
    if (!member.group) waiting_ += seconds_of(now() - member.since);
  }

  void end_wait(Member& member, std::uint32_t child) {
    // With overlap nobody waits: the next round's end takes the answer.
    if (!member.is_waiting) return;
    stop_waiting(member);
    member.child.take_answer();
    start_round(member, child);
  }

  // Links.

  void send_up(Member& member, std::uint32_t child, std::span<const std::byte> frame) {
    member.up_frame = frame;
    const std::size_t bytes = bytes_on_wire(frame.size());
    bytes_up_ += bytes;
    const Clock::duration delay = delay_of(member.link, frame.size(), member.random);
    const Passage out = member.up.pass({now(), now()}, bytes);
    const Clock::time_point first = member.partitions.arrival(now(), out.first + delay);
    const Clock::time_point last = member.partitions.arrival(now(), out.last + delay);
    if (options_.parent_bits_per_second > 0) {
      queue_.plan(last, {What::kReachesParent, child, member.epoch, first});
    } else {
      queue_.plan(last, {What::kFrame, child, member.epoch});
    }
  }

  void send_down(Member& member, const Answer& answer, What what) {
    parent_.encode(answer, member.down_frame);
    const std::size_t bytes = bytes_on_wire(member.down_frame.size());
    bytes_down_ += bytes;
    const Passage sent = egress_.pass({now(), now()}, bytes);
    const Clock::time_point last = member.down.pass(sent, bytes).last;
    const Clock::duration delay = delay_of(member.link, member.down_frame.size(), member.random);
    queue_.plan(member.partitions.arrival(sent.first, last + delay), {what, answer.child, member.epoch});
  }

  void greet(Member& member, std::uint32_t child) {
    member.welcome = parent_.join(child, member.child.session(), member.child.steps_answered(), now());
    send_down(member, {child, 0}, What::kFirstWeights);
  }

  void send_answers() {
    for (const Answer& answer : parent_.answers()) send_down(*members_[answer.child], answer, What::kAnswer);
    parent_.answers().clear();
  }

  void watch_deadline() {
    const auto deadline = parent_.deadline();
    if (!deadline || (deadline_ && *deadline_ <= *deadline)) return;
    deadline_ = deadline;
    queue_.plan(*deadline, {What::kDeadline});
  }

  SimulatedUpdate update() const {
    SimulatedUpdate update;
    update.seconds = seconds_of(now() - kBeginning);
    update.update = parent_.state().updates();
    update.played = played_;
    update.recent_return = recent_.mean();
    update.weights = parent_.state().current();
    if (parent_.state().statistics_components() > 0)
      update.all_statistics = parent_.state().statistics().all();
    return update;
  }

  /// What of a round that has not ended was computed so far.
  double computed(const Member& member) const {
    if (!member.is_training) return 0;
    const Clock::duration rest =
        member.is_present ? std::max(member.due - last_, Clock::duration::zero()) : member.rest;
    return std::max(0.0, member.round_seconds - seconds_of(rest));
  }

  SimulationSummary summary(std::string end) const {
    SimulationSummary summary;
    summary.seconds = seconds_of(last_ - kBeginning);
    summary.updates = parent_.state().updates();
    summary.played = played_;
    summary.optimizer_steps = optimizer_steps_;
    summary.bytes_up = bytes_up_;
    summary.bytes_down = bytes_down_;
    summary.computing_seconds = computing_;
    summary.waiting_seconds = waiting_;
    // What is under way counts up to the end.
    for (const auto& member : members_) {
      if (member->group) {
        summary.computing_seconds += member->group->computed_by(last_);
        summary.waiting_seconds += member->group->waited_by(last_);
        summary.bytes_up += member->group->bytes_up();
        summary.bytes_down += member->group->bytes_down();
        continue;
      }
      summary.computing_seconds += computed(*member);
      if (member->is_waiting) summary.waiting_seconds += seconds_of(last_ - member->since);
    }
    summary.contributions = parent_.contributions();
    const RoundCounts rounds = parent_.state().status(now()).rounds;
    summary.late = rounds.late;
    summary.dropped = rounds.dropped;
    summary.by_deadline = rounds.by_deadline;
    if (summary.contributions > 0) {
      summary.mean_staleness =
          static_cast<double>(parent_.staleness()) / static_cast<double>(summary.contributions);
    }
    summary.links_lost = links_lost_;
    summary.events = queue_.taken();
    summary.end = std::move(end);
    return summary;
  }

  const SimulationOptions& options_;
  const ChildOptions child_options_;
  std::vector<LocalTrainer*> trainers_;
  VirtualParent parent_;
  Pipe ingress_, egress_;  // the Parent's own link
  std::vector<std::unique_ptr<Member>> members_;
  EventQueue<Event> queue_;
  Clock::time_point last_ = kBeginning;        // when something happened
  Clock::time_point told_at_ = kBeginning;     // of the last update
  std::optional<Clock::time_point> deadline_;  // that is planned
  RecentReturns recent_;
  Played played_;
  std::uint64_t told_ = 0, told_events_ = 0, optimizer_steps_ = 0, bytes_up_ = 0, bytes_down_ = 0,
                links_lost_ = 0;
  double computing_ = 0, waiting_ = 0;
};

}  // namespace

std::unique_ptr<Engine> make_cluster_engine(const SimulationOptions& options,
                                            const std::vector<LocalTrainer*>& trainers) {
  return std::make_unique<ClusterEngine>(options, trainers);
}

}  // namespace genkidama::sim
