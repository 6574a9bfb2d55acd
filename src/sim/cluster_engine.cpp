// A Parent and its Children in virtual time, and Parents between them. A Child is one machine, a learner with
// its players, or a middle Parent.

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "genkidama/wire/frame.h"
#include "genkidama/wire/statistics.h"
#include "sim/engine.h"
#include "sim/event_queue.h"
#include "sim/machine_link.h"
#include "sim/merged_state.h"
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
  std::uint32_t child = 0;       ///< a member; kDeadline: a Parent
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

ParentOptions parent_options(const ExchangeModel& model, std::size_t components,
                             std::uint64_t first_children) {
  ParentOptions options;
  options.exchange = model.kind;
  options.alpha = model.alpha;
  options.merge_rule = model.merge_rule;
  options.merge_method = model.merge_method;
  options.rounds = model.rounds;
  options.outer_optimizer = OuterOptimizer(model.outer_optimizer);
  options.average_moments = model.average_moments;
  options.statistics = StreamStatistics(components);
  options.rounds.first_children = first_children;
  return options;
}

std::vector<float> weights_of(const LocalTrainer& trainer) {
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  return weights;
}

/// A Parent, and its own link.
struct Node {
  Node(const SimulationOptions& options, const LocalTrainer& first, const std::vector<float>& first_weights,
       std::size_t children, std::uint64_t first_children)
      : parent(parent_options(options.exchange, first.statistics_components(), first_children),
               first.layout(), first_weights, children, options.exchange.codec, first.moments_shape()),
        ingress(options.parent_bits_per_second),
        egress(options.parent_bits_per_second) {}

  VirtualParent parent;
  Pipe ingress, egress;
  std::vector<std::uint32_t> members;         // its Children, by their places
  std::optional<Clock::time_point> deadline;  // that is planned
  std::optional<std::uint32_t> as_member;     // of a middle Parent
  std::optional<MergedState> weights;         // as well
};

struct Member {
  Member(const MachineModel& computer, const LinkModel& wire, const ChildOptions& options,
         LocalTrainer& trainer, Random numbers, Node& at, std::uint32_t number)
      : machine(computer), link(wire), home(at), place(number), child(options, trainer), random(numbers) {}

  const MachineModel& machine;  // of a group: the first one
  MachineLink link;             // to its Parent
  Node& home;                   // its Parent
  const std::uint32_t place;    // among the Children of its Parent
  Node* below = nullptr;        // of a middle Parent: what it is to its Children
  VirtualChild child;
  std::optional<PlayerGroup> group;  // of several machines
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
      : options_(options), child_options_(child_options(options.exchange)) {
    const std::size_t children = trainers.size(), groups = middle_parents(options);
    LocalTrainer& first = *trainers.front();
    const std::uint64_t first_children = options.exchange.rounds.first_children;
    const bool waits_for_first = first_children > 0;
    const std::vector<float> weights = weights_of(first);
    nodes_.push_back(
        groups > 0 ? std::make_unique<Node>(options, first, weights, groups, waits_for_first ? groups : 0)
                   : std::make_unique<Node>(options, first, weights, children, first_children));
    for (std::size_t group = 0; group < groups; ++group) {
      const auto begin = options.machines.begin();
      const auto at_beginning =
          std::count_if(begin + static_cast<std::ptrdiff_t>(first_machine_of_group(options_, group)),
                        begin + static_cast<std::ptrdiff_t>(first_machine_of_group(options_, group + 1)),
                        [](const SimulatedMachine& each) { return each.machine.joins_seconds == 0; });
      nodes_.push_back(std::make_unique<Node>(
          options, first, weights,
          first_machine_of_group(options_, group + 1) - first_machine_of_group(options_, group),
          waits_for_first ? static_cast<std::uint64_t>(at_beginning) : 0));
    }
    members_.reserve(children + groups);
    for (std::size_t i = 0; i < children; ++i) {
      add_member(i, *trainers[i], *nodes_[groups > 0 ? 1 + group_of(i) : 0]);
      const auto child = static_cast<std::uint32_t>(i);
      const MachineModel& machine = members_.back()->machine;
      queue_.plan(kBeginning + span_of(machine.joins_seconds), {What::kComes, child});
      if (const double leaves = machine.leaves_seconds; leaves > 0)
        queue_.plan(kBeginning + span_of(leaves), {What::kGoes, child, kForGood});
    }
    for (std::size_t group = 0; group < groups; ++group) add_middle(group, first.layout());
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
      const Event event = queue_.take();
      handle(event);
      Node& node = event.what == What::kDeadline ? *nodes_[event.child] : members_[event.child]->home;
      serve(node);
      // What has come from above may let it send again.
      if (event.what != What::kDeadline && members_[event.child]->below)
        offer_up(*members_[event.child]->below);
      if (root().state().updates() > std::exchange(told_, root().state().updates())) {
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
  static constexpr MachineModel kAlwaysThere{};
  static constexpr std::uint64_t kEventsBetweenLooks = 256;
  // Of each machine, which comes and goes, or loses its link, many times within a long round.
  static constexpr std::uint64_t kEventsWithoutUpdate = 5'000;

  Clock::time_point now() const { return queue_.now(); }
  const VirtualParent& root() const { return nodes_.front()->parent; }

  std::size_t group_of(std::size_t machine) const {
    return machine * middle_parents(options_) / options_.machines.size();
  }

  /// A Child of this Parent.
  std::uint32_t place_at(Node& node, std::size_t number) {
    node.members.push_back(static_cast<std::uint32_t>(number));
    return static_cast<std::uint32_t>(node.members.size() - 1);
  }

  void add_middle(std::size_t group, const ParameterLayout& layout) {
    Node& node = *nodes_[1 + group];
    const std::size_t number = members_.size();
    const LinkModel& link = options_.group_links.empty()
                                ? options_.machines[first_machine_of_group(options_, group)].link
                                : options_.group_links[group];
    node.weights.emplace(layout, node.parent);
    node.as_member = static_cast<std::uint32_t>(number);
    Node& top = *nodes_.front();
    members_.push_back(std::make_unique<Member>(kAlwaysThere, link, child_options_, *node.weights,
                                                random_of(options_, options_.machines.size() + group), top,
                                                place_at(top, number)));
    members_.back()->below = &node;
    queue_.plan(kBeginning, {What::kComes, static_cast<std::uint32_t>(number)});
  }

  void add_member(std::size_t number, LocalTrainer& trainer, Node& home) {
    const std::size_t machines = machines_of_child(options_), first = number * machines;
    const SimulatedMachine& model = options_.machines[first];
    const bool has_own_link = options_.cut == Cut::kTree && !options_.group_links.empty();
    const LinkModel& link = has_own_link ? options_.group_links[number] : model.link;
    // A group of one is a machine. The numbers of the others are those of their players.
    const std::size_t stream = machines == 1 ? number : options_.machines.size() + number;
    members_.push_back(std::make_unique<Member>(model.machine, link, child_options_, trainer,
                                                random_of(options_, stream), home, place_at(home, number)));
    if (machines > 1) members_.back()->group.emplace(options_, first, machines, 0);
  }

  void handle(const Event& event) {
    if (event.what == What::kDeadline) {
      Node& node = *nodes_[event.child];
      node.deadline.reset();
      const std::uint64_t before = node.parent.state().updates();
      node.parent.look(now());
      if (node.parent.state().updates() > before) last_ = now();
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
        if (!std::exchange(member.has_begun, true)) go_on(member, event.child);
        break;
      case What::kRoundEnds:
        end_round(member, event.child);
        break;
      case What::kReachesParent: {
        const auto bytes = bytes_on_wire(member.up_frame.size());
        queue_.plan(member.home.ingress.pass({event.first, now()}, bytes).last,
                    {What::kFrame, event.child, member.epoch});
        break;
      }
      case What::kFrame:
        member.home.parent.receive(member.place, member.up_frame, now());
        break;
      case What::kAnswer:
        member.child.answered(member.down_frame);
        end_wait(member, event.child);
        break;
      case What::kSilence:
        lose_link(member, /*for_good=*/false);
        go_on_alone(member, event.child);
        dial(member, event.child, member.link.partitions().connected_at(now()));
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
    dial(member, child, member.link.partitions().connected_at(now()));
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
    lose_link(member, for_good);
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
    const Clock::duration to_hello = kCrossingsToHello * span_of(member.link.model().latency_seconds);
    queue_.plan(member.link.partitions().arrival(from, from + to_hello), {What::kHello, child, member.epoch});
    if (member.link.partitions().break_links())
      queue_.plan(member.link.partitions().lost_at(from), {What::kSilence, child, member.epoch});
  }

  void lose_link(Member& member, bool for_good) {
    ++member.epoch;
    ++links_lost_;
    member.home.parent.left(member.place, for_good, now());
    member.child.lost();
  }

  /// The machine is there and has no link: nothing comes that it could wait for.
  void go_on_alone(Member& member, std::uint32_t child) {
    if (!member.is_waiting) return;
    stop_waiting(member);
    member.child.take_answer();
    go_on(member, child);
  }

  // Rounds.

  /// A machine trains; a middle Parent merges on all the time.
  void go_on(Member& member, std::uint32_t child) {
    if (!member.below) start_round(member, child);
  }

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
    if (!member.group && !member.below) waiting_ += seconds_of(now() - member.since);
  }

  void end_wait(Member& member, std::uint32_t child) {
    // With overlap nobody waits: the next round's end takes the answer.
    if (!member.is_waiting) return;
    stop_waiting(member);
    member.child.take_answer();
    go_on(member, child);
  }

  // Middle Parents.

  /// Sends what was merged, once that is enough and the exchange before is over.
  void offer_up(Node& node) {
    if (!node.as_member) return;
    Member& member = *members_[*node.as_member];
    if (member.is_waiting || !member.child.is_joined()) return;
    const bool makes_rounds = options_.exchange.kind == ExchangeKind::kRounds;
    const std::uint64_t wanted = makes_rounds ? 1 : std::max<std::size_t>(node.parent.connected(), 1);
    if (node.parent.merged().merges < wanted) return;
    const MergedBelow merged = node.parent.take_merged();
    const bool waits = member.child.send_playing(merged.played, merged.mean_return());
    if (const auto frame = member.child.take_outgoing()) send_up(member, *node.as_member, *frame);
    member.is_waiting = waits;
    member.since = now();
  }

  // Links.

  void send_up(Member& member, std::uint32_t child, std::span<const std::byte> frame) {
    member.up_frame = frame;
    bytes_up_ += bytes_on_wire(frame.size());
    const Passage there = member.link.send({now(), now()}, frame.size(), member.random);
    if (options_.parent_bits_per_second > 0) {
      queue_.plan(there.last, {What::kReachesParent, child, member.epoch, there.first});
    } else {
      queue_.plan(there.last, {What::kFrame, child, member.epoch});
    }
  }

  void send_down(Member& member, std::uint32_t child, const Answer& answer, What what) {
    member.home.parent.encode(answer, member.down_frame);
    const std::size_t bytes = bytes_on_wire(member.down_frame.size());
    bytes_down_ += bytes;
    const Passage sent = member.home.egress.pass({now(), now()}, bytes);
    queue_.plan(member.link.receive(sent, member.down_frame.size(), member.random),
                {what, child, member.epoch});
  }

  void greet(Member& member, std::uint32_t child) {
    member.welcome =
        member.home.parent.join(member.place, member.child.session(), member.child.steps_answered(), now());
    send_down(member, child, {member.place, 0}, What::kFirstWeights);
  }

  /// Of a Parent at which something has happened.
  void serve(Node& node) {
    for (const Answer& answer : node.parent.answers()) {
      const std::uint32_t child = node.members[answer.child];
      send_down(*members_[child], child, answer, What::kAnswer);
    }
    node.parent.answers().clear();
    watch_deadline(node);
    offer_up(node);
  }

  void watch_deadline(Node& node) {
    const auto deadline = node.parent.deadline();
    if (!deadline || (node.deadline && *node.deadline <= *deadline)) return;
    node.deadline = deadline;
    const std::uint32_t number =
        node.as_member ? static_cast<std::uint32_t>(1 + *node.as_member - options_.machines.size()) : 0;
    queue_.plan(*deadline, {What::kDeadline, number});
  }

  SimulatedUpdate update() const {
    SimulatedUpdate update;
    update.seconds = seconds_of(now() - kBeginning);
    update.update = root().state().updates();
    update.played = played_;
    update.recent_return = recent_.mean();
    update.weights = root().state().current();
    if (root().state().statistics_components() > 0) update.all_statistics = root().state().statistics().all();
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
    summary.updates = root().state().updates();
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
      if (member->is_waiting && !member->below) summary.waiting_seconds += seconds_of(last_ - member->since);
    }
    std::uint64_t staleness = 0;
    for (const auto& node : nodes_) {
      summary.contributions += node->parent.contributions();
      staleness += node->parent.staleness();
      const RoundCounts rounds = std::as_const(node->parent).state().status(now()).rounds;
      summary.late += rounds.late;
      summary.dropped += rounds.dropped;
      summary.by_deadline += rounds.by_deadline;
    }
    if (summary.contributions > 0)
      summary.mean_staleness = static_cast<double>(staleness) / static_cast<double>(summary.contributions);
    summary.links_lost = links_lost_;
    summary.events = queue_.taken();
    summary.end = std::move(end);
    return summary;
  }

  const SimulationOptions& options_;
  const ChildOptions child_options_;
  std::vector<std::unique_ptr<Node>> nodes_;      // the topmost Parent, then the middle ones
  std::vector<std::unique_ptr<Member>> members_;  // the machines or groups, then the middle Parents
  EventQueue<Event> queue_;
  Clock::time_point last_ = kBeginning;     // when something happened
  Clock::time_point told_at_ = kBeginning;  // of the last update
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
