#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/sim/peers_simulation.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/peer_frames.h"
#include "net/peer/mixer.h"
#include "sim/engine.h"
#include "sim/event_queue.h"
#include "sim/partitions.h"
#include "sim/pipe.h"

namespace genkidama::sim {
namespace {

enum class What : std::uint8_t {
  kRoundEnds,  ///< a machine has trained
  kArrives,    ///< a share is at its receiver
  kTaken,      ///< its sender knows that
  kDeadline,   ///< a machine has waited for as long as it may
  kPartition,  ///< one begins or ends
  kComes,      ///< a machine is there
  kGoes        ///< a machine is away
};

struct Event {
  What what = What::kRoundEnds;
  std::size_t machine = 0;  ///< who; of a share its receiver
  std::size_t from = 0;     ///< of a share: its sender
  std::uint64_t epoch = 0;  ///< of the link, or of the machine; what belongs to an earlier one is void
  std::uint64_t share = 0;  ///< its place among those on their way; of a deadline the number of the wait
};

struct Node {
  Node(const SimulatedMachine& machine, LocalTrainer& learner, Random numbers)
      : model(machine.machine),
        link(machine.link),
        trainer(learner),
        up(link.bits_per_second),
        down(link.bits_per_second),
        partitions(link),
        random(numbers) {}

  const MachineModel& model;
  const LinkModel& link;
  LocalTrainer& trainer;
  std::unique_ptr<Mixer> mixer;
  Pipe up, down;
  Partitions partitions;
  Random random;
  RoundReport report;
  std::vector<float> weights;
  bool is_present = false, is_waiting = false, has_left = false;
  std::uint64_t epoch = 0;  ///< grows with each absence
  std::uint64_t waits = 0;  ///< so many so far
  Clock::time_point since{};
  double round_seconds = 0;
};

}  // namespace

class PeersSimulation::Impl {
 public:
  Impl(PeersSimulationOptions options, const std::vector<LocalTrainer*>& trainers)
      : options_(std::move(options)) {
    check(trainers);
    for (std::size_t i = 0; i < trainers.size(); ++i) {
      constexpr std::uint64_t kPeers = 0x5e;
      nodes_.push_back(std::make_unique<Node>(options_.machines[i], *trainers[i],
                                              Random(derive_seed(options_.seed, {kPeers, i}))));
      Node& node = *nodes_.back();
      MixerOptions mixer;
      mixer.rule = options_.rule;
      mixer.max_staleness = options_.max_staleness;
      mixer.overlap = options_.overlap;
      mixer.seed = derive_seed(options_.seed, {kPeers + 1, i});
      node.weights.resize(trainers[i]->layout().size());
      node.mixer = Mixer::make(mixer, node.weights.size());
      trainers[i]->read_weights(node.weights);
      node.mixer->start(node.weights);
      queue_.plan(kBeginning + span_of(node.model.joins_seconds), {What::kComes, i, 0, 0, 0});
      if (node.model.leaves_seconds > 0)
        queue_.plan(kBeginning + span_of(node.model.leaves_seconds), {What::kGoes, i, 0, kForGood, 0});
    }
    for (const GraphPartition& each : options_.partitions) {
      queue_.plan(kBeginning + span_of(each.begins_seconds), {What::kPartition, 0, 0, 0, 0});
      queue_.plan(kBeginning + span_of(each.ends_seconds), {What::kPartition, 0, 0, 0, 0});
    }
  }

  PeersSummary run(const Observer& observer) {
    if (std::exchange(has_run_, true))
      throw ArgumentError("PeersSimulation::run() was already called; make a new PeersSimulation");
    if (!observer) throw ArgumentError("the observer is empty; expected a function that says when to end");
    observer_ = &observer;
    const auto limit =
        options_.max_seconds > 0 ? kBeginning + span_of(options_.max_seconds) : Clock::time_point::max();
    while (!queue_.is_empty()) {
      if (queue_.next_at() > limit) {
        last_ = limit;
        return summary("max-seconds");
      }
      if (options_.give_up && queue_.taken() % kEventsBetweenLooks == 0 && options_.give_up())
        return summary("signal");
      handle(queue_.take());
      if (!goes_on_) return summary("");
    }
    return summary("no machine is left");
  }

 private:
  static constexpr std::uint64_t kForGood = ~std::uint64_t{0};
  static constexpr std::uint64_t kEventsBetweenLooks = 256;

  void check(const std::vector<LocalTrainer*>& trainers) const {
    const std::size_t nodes = options_.topology.nodes();
    if (nodes < 2) throw ArgumentError("topology has 1 machine; expected at least 2");
    if (options_.machines.size() != nodes || trainers.size() != nodes ||
        std::find(trainers.begin(), trainers.end(), nullptr) != trainers.end()) {
      throw ArgumentError(fmt::format(
          "{} machines and {} trainers, or one of them null, for a graph of {}; expected one of each",
          options_.machines.size(), trainers.size(), nodes));
    }
    for (std::size_t i = 0; i < nodes; ++i) {
      check_machine(options_.machines[i], i, /*may_come_and_go=*/true);
      check_partitions(options_.machines[i].link, i);
      if (const auto difference = trainers.front()->layout().difference(trainers[i]->layout()))
        throw ArgumentError("the trainers have different networks: " + *difference);
    }
    if (needs_undirected(options_.rule) && !options_.topology.is_undirected()) {
      throw ArgumentError(fmt::format("the rule '{}' needs a graph in which neighbours send to each other",
                                      mixing_name(options_.rule)));
    }
    if (options_.max_staleness < 1) throw ArgumentError("max_staleness is 0; expected at least 1");
    if (options_.environments < 1)
      throw ArgumentError(fmt::format("{} environments; expected at least 1", options_.environments));
    if (!(options_.exchange_timeout_seconds > 0) || !(options_.exchange_timeout_seconds <= kLongestSpan_s)) {
      throw ArgumentError(
          fmt::format("exchange_timeout_seconds is {}; expected a number above 0 and at most {:g}",
                      options_.exchange_timeout_seconds, kLongestSpan_s));
    }
    if (!(options_.max_seconds >= 0) || !(options_.max_seconds <= kLongestSpan_s))
      throw ArgumentError(fmt::format("max_seconds is {}; expected a number from 0 (no limit) to {:g}",
                                      options_.max_seconds, kLongestSpan_s));
    for (const GraphPartition& each : options_.partitions) {
      if (!(each.begins_seconds >= 0) || !(each.ends_seconds > each.begins_seconds) ||
          !(each.ends_seconds <= kLongestSpan_s)) {
        throw ArgumentError(
            fmt::format("a partition from {} to {} seconds; expected a beginning of at least 0 and an "
                        "end behind it",
                        each.begins_seconds, each.ends_seconds));
      }
      for (const std::size_t machine : each.of) {
        if (machine >= nodes)
          throw ArgumentError(fmt::format("a partition of machine {}; there are {}", machine, nodes));
      }
    }
  }

  Clock::time_point now() const { return queue_.now(); }

  void handle(const Event& event) {
    Node& node = *nodes_[event.machine];
    switch (event.what) {
      case What::kPartition:
        last_ = now();
        update_links();
        break;
      case What::kComes:
        come(event.machine);
        break;
      case What::kGoes:
        if (event.epoch == kForGood || event.epoch == node.epoch) go(event.machine, event.epoch == kForGood);
        break;
      case What::kRoundEnds:
        if (event.epoch == node.epoch) end_round(event.machine);
        break;
      case What::kDeadline:
        if (event.epoch == node.epoch && event.share == node.waits && node.is_waiting)
          finish_round(event.machine);
        break;
      case What::kArrives:
        arrive(event);
        break;
      case What::kTaken:
        if (link(event.from, event.machine).epoch == event.epoch) {
          nodes_[event.machine]->mixer->taken(event.from);
          go_on(event.machine);
        }
        break;
    }
  }

  // Links.

  struct Link {
    bool is_up = false;
    std::uint64_t epoch = 0;
  };

  /// Of two machines, whichever is named first.
  Link& link(std::size_t a, std::size_t b) { return links_[std::minmax(a, b)]; }

  bool is_cut(std::size_t a, std::size_t b) const {
    for (const GraphPartition& each : options_.partitions) {
      if (now() < kBeginning + span_of(each.begins_seconds) ||
          now() >= kBeginning + span_of(each.ends_seconds))
        continue;
      const auto is_of = [&](std::size_t machine) {
        return std::find(each.of.begin(), each.of.end(), machine) != each.of.end();
      };
      if (is_of(a) != is_of(b)) return true;
    }
    return false;
  }

  void update_links() {
    for (std::size_t a = 0; a < nodes_.size(); ++a) update_links_of(a);
  }

  void update_links_of(std::size_t a) {
    const auto look = [&](std::size_t b) {
      const bool is_up = nodes_[a]->is_present && nodes_[b]->is_present && !is_cut(a, b);
      Link& between = link(a, b);
      if (between.is_up == is_up) return;
      between.is_up = is_up;
      if (is_up) {
        connect(a, b);
      } else {
        ++between.epoch;
        ++links_lost_;
        nodes_[a]->mixer->left(b);
        nodes_[b]->mixer->left(a);
        go_on(a);
        go_on(b);
      }
    };
    for (const std::size_t b : options_.topology.targets(a)) look(b);
    for (const std::size_t b : options_.topology.sources(a)) look(b);
  }

  std::uint64_t taken_by(std::size_t node, std::size_t from) const {
    const auto& all = nodes_[node]->mixer->neighbours();
    const auto found = all.find(from);
    return found == all.end() ? 0 : found->second.taken_sequence;
  }

  void connect(std::size_t a, std::size_t b) {
    for (const auto& [own, other] : {std::pair(a, b), std::pair(b, a)}) {
      const bool sends = options_.topology.has_edge(own, other),
                 receives = options_.topology.has_edge(other, own);
      Mixer& mixer = *nodes_[own]->mixer;
      auto again = mixer.settle(other, taken_by(other, own));
      mixer.joined(other,
                   sends && receives ? PeerFlow::kBoth
                   : sends           ? PeerFlow::kSends
                                     : PeerFlow::kReceives,
                   nodes_[other]->mixer->round());
      if (again) send(own, other, std::move(*again));
    }
  }

  void send(std::size_t from, std::size_t to, Share share) {
    const Link& between = link(from, to);
    if (!between.is_up) return;
    Node &sender = *nodes_[from], &receiver = *nodes_[to];
    const std::size_t message = frame_bytes(sender.weights.size(), kPeerFieldsBytes);
    const std::size_t bytes = bytes_on_wire(message);
    bytes_ += bytes;
    const Passage out = sender.up.pass({now(), now()}, bytes);
    const Clock::duration delay =
        delay_of(sender.link, message, sender.random) + delay_of(receiver.link, message, sender.random);
    const Passage in = receiver.down.pass({out.first + delay, out.last + delay}, bytes);
    const Clock::time_point at =
        receiver.partitions.arrival(now(), sender.partitions.arrival(now(), in.last));
    const std::uint64_t place = ++sent_;
    on_the_way_.emplace(place, std::move(share));
    queue_.plan(at, {What::kArrives, to, from, between.epoch, place});
  }

  void arrive(const Event& event) {
    auto on_the_way = on_the_way_.extract(event.share);
    if (link(event.from, event.machine).epoch != event.epoch) return;
    last_ = now();
    Node& node = *nodes_[event.machine];
    const bool is_share = on_the_way.mapped().kind == PeerFrameKind::kShare;
    auto answer = node.mixer->take(event.from, std::move(on_the_way.mapped()));
    if (answer) {
      send(event.machine, event.from, std::move(*answer));
    } else if (is_share) {
      const Clock::duration back =
          span_of(node.link.latency_seconds + nodes_[event.from]->link.latency_seconds);
      queue_.plan(now() + back, {What::kTaken, event.from, event.machine, event.epoch, 0});
    }
    go_on(event.machine);
  }

  // Machines that come and go.

  void come(std::size_t number) {
    Node& node = *nodes_[number];
    if (node.has_left || node.is_present) return;
    last_ = now();
    node.is_present = true;
    if (node.model.present_seconds > 0)
      queue_.plan(now() + span_of(node.model.present_seconds), {What::kGoes, number, 0, node.epoch, 0});
    if (std::exchange(has_been_.emplace(number, false).first->second, true)) begin_anew(number);
    update_links_of(number);
    adopt(number);
    start_round(number);
  }

  /// A new process of the machine, which no neighbour has met.
  void begin_anew(std::size_t number) {
    for (const auto& [other, neighbour] : std::map(nodes_[number]->mixer->neighbours())) {
      nodes_[number]->mixer->renewed(other);
      nodes_[other]->mixer->renewed(number);
    }
  }

  void adopt(std::size_t number) {
    Node& node = *nodes_[number];
    const Node* furthest = nullptr;
    for (const auto& [other, neighbour] : node.mixer->neighbours()) {
      const Node& candidate = *nodes_[other];
      if (neighbour.is_present && candidate.mixer->round() > node.mixer->round() &&
          (furthest == nullptr || candidate.mixer->round() > furthest->mixer->round()))
        furthest = &candidate;
    }
    if (furthest == nullptr) return;
    node.weights = *furthest->mixer->latest();
    node.trainer.write_weights(node.weights);
    node.mixer->start(node.weights);
    node.mixer->adopt_round(furthest->mixer->round());
  }

  void go(std::size_t number, bool for_good) {
    Node& node = *nodes_[number];
    node.has_left = node.has_left || for_good;
    if (!node.is_present) return;
    last_ = now();
    if (node.is_waiting) waiting_ += seconds_of(now() - node.since);
    node.is_present = node.is_waiting = false;
    ++node.epoch;
    update_links_of(number);
    if (!for_good) queue_.plan(now() + span_of(node.model.away_seconds), {What::kComes, number, 0, 0, 0});
  }

  // Rounds.

  void start_round(std::size_t number) {
    Node& node = *nodes_[number];
    node.report = node.trainer.train_round();
    optimizer_steps_ += node.report.optimizer_steps;
    const auto steps = static_cast<double>(node.report.steps_in_round);
    const double learning = node.model.factor * node.model.seconds_per_gradient *
                            static_cast<double>(node.report.optimizer_steps);
    node.round_seconds = with_jitter(
        node.model, playing_seconds(node.model, steps, options_.environments) + learning, node.random);
    queue_.plan(now() + span_of(node.round_seconds), {What::kRoundEnds, number, 0, node.epoch, 0});
  }

  void end_round(std::size_t number) {
    Node& node = *nodes_[number];
    last_ = now();
    computing_ += node.round_seconds;
    played_ += node.report.in_round();
    recent_.add(node.report.episodes);
    node.trainer.read_weights(node.weights);
    if (first_non_finite(node.weights) != node.weights.size()) {
      tell(number, {});
      return start_round(number);
    }
    for (OutgoingShare& each : node.mixer->begin(node.weights))
      send(number, each.neighbour, std::move(each.share));
    if (!node.mixer->is_waiting()) return finish_round(number);
    node.is_waiting = true;
    node.since = now();
    queue_.plan(now() + span_of(options_.exchange_timeout_seconds),
                {What::kDeadline, number, 0, node.epoch, ++node.waits});
  }

  /// If it need not wait any more.
  void go_on(std::size_t number) {
    Node& node = *nodes_[number];
    if (node.is_waiting && !node.mixer->is_waiting()) finish_round(number);
  }

  void finish_round(std::size_t number) {
    Node& node = *nodes_[number];
    if (std::exchange(node.is_waiting, false)) {
      waiting_ += seconds_of(now() - node.since);
    }
    last_ = now();
    const MixReport report = node.mixer->end(node.weights);
    node.trainer.write_weights(node.weights);
    mixed_ += report.mixed;
    missing_ += report.missing;
    tell(number, report);
    if (goes_on_ && node.is_present) start_round(number);
  }

  void tell(std::size_t number, const MixReport& report) {
    const Node& node = *nodes_[number];
    SimulatedPeerRound round;
    round.seconds = seconds_of(now() - kBeginning);
    round.machine = number;
    round.rounds = ++rounds_;
    round.played = played_;
    round.recent_return = recent_.mean();
    round.weights = node.weights;
    round.mixed = report.mixed;
    std::size_t compared = 0;
    for (const auto& [other, neighbour] : node.mixer->neighbours()) {
      if (!neighbour.is_present || neighbour.mixed == 0) continue;
      round.distance += neighbour.distance;
      ++compared;
    }
    if (compared > 0) round.distance /= static_cast<double>(compared);
    goes_on_ = (*observer_)(round);
  }

  PeersSummary summary(std::string end) const {
    PeersSummary summary;
    summary.seconds = seconds_of(last_ - kBeginning);
    summary.rounds = rounds_;
    summary.played = played_;
    summary.optimizer_steps = optimizer_steps_;
    summary.bytes = bytes_;
    summary.computing_seconds = computing_;
    summary.waiting_seconds = waiting_;
    summary.mixed = mixed_;
    summary.missing = missing_;
    summary.links_lost = links_lost_;
    for (const auto& node : nodes_)
      if (node->is_present) summary.mass += node->mixer->mass();
    summary.events = queue_.taken();
    summary.end = std::move(end);
    return summary;
  }

  const PeersSimulationOptions options_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<std::pair<std::size_t, std::size_t>, Link> links_;
  std::map<std::uint64_t, Share> on_the_way_;
  std::map<std::size_t, bool> has_been_;  // there before
  EventQueue<Event> queue_;
  Clock::time_point last_ = kBeginning;
  RecentReturns recent_;
  Played played_;
  std::uint64_t rounds_ = 0, optimizer_steps_ = 0, bytes_ = 0, mixed_ = 0, missing_ = 0, links_lost_ = 0,
                sent_ = 0;
  double computing_ = 0, waiting_ = 0;
  const Observer* observer_ = nullptr;
  bool has_run_ = false, goes_on_ = true;
};

PeersSimulation::PeersSimulation(PeersSimulationOptions options, std::vector<LocalTrainer*> trainers)
    : impl_(std::make_unique<Impl>(std::move(options), trainers)) {}

PeersSimulation::~PeersSimulation() = default;

PeersSummary PeersSimulation::run(const Observer& observer) {
  return impl_->run(observer);
}

std::optional<std::uint64_t> diffusion_rounds(const MixingMatrix& matrix, double share) {
  constexpr std::uint64_t kMostRounds = 1'000'000;
  const std::size_t n = matrix.nodes;
  // What each machine has of what machine `finder` has found: columns of the powers of the matrix.
  std::uint64_t greatest = 0;
  for (std::size_t finder = 0; finder < n; ++finder) {
    std::vector<double> now(n), next(n);
    now[finder] = 1;
    std::uint64_t rounds = 0;
    while (true) {
      double sum = 0;
      for (const double value : now) sum += value;
      const double end = sum / static_cast<double>(n);
      if (std::all_of(now.begin(), now.end(),
                      [&](double value) { return value >= share * end && value > 0; }))
        break;
      if (++rounds > kMostRounds) return std::nullopt;
      for (std::size_t i = 0; i < n; ++i) {
        next[i] = 0;
        for (std::size_t j = 0; j < n; ++j) next[i] += matrix.at(i, j) * now[j];
      }
      std::swap(now, next);
    }
    greatest = std::max(greatest, rounds);
  }
  return greatest;
}

}  // namespace genkidama::sim
