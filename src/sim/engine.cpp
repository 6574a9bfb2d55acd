#include "sim/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/params/weighted_average.h"
#include "net/parent/open_round.h"
#include "sim/event_queue.h"
#include "sim/partitions.h"
#include "sim/presence.h"

namespace genkidama::sim {
namespace {

constexpr std::size_t kRecent = 100;
constexpr std::size_t kMostShards = 64;
constexpr std::size_t kMostMachines = 1'000'000;

void check_number(const char* what, std::size_t machine, double value, double most) {
  if (is_finite(value) && value >= 0 && value <= most) return;
  throw ArgumentError(
      fmt::format("machine {}: {} is {}; expected a number from 0 to {:g}", machine + 1, what, value, most));
}

void check_link(const LinkModel& link, std::size_t index) {
  check_number("latency_seconds", index, link.latency_seconds, 3600);
  check_number("bits_per_second", index, link.bits_per_second, 1e15);
  check_number("jitter_seconds", index, link.jitter_seconds, 3600);
  check_number("loss", index, link.loss, 0.5);
  check_number("connected_seconds", index, link.connected_seconds, kLongestSpan_s);
  check_number("partition_seconds", index, link.partition_seconds, kLongestSpan_s);
  if ((link.connected_seconds > 0) != (link.partition_seconds > 0)) {
    throw ArgumentError(fmt::format(
        "machine {}: connected_seconds is {} and partition_seconds {}; expected both above 0, or neither",
        index + 1, link.connected_seconds, link.partition_seconds));
  }
  if (link.bits_per_second > 0 && link.bits_per_second < 100) {
    throw ArgumentError(
        fmt::format("machine {}: bits_per_second is {}; expected at least 100, or 0 for no limit", index + 1,
                    link.bits_per_second));
  }
}

void check_groups(const SimulationOptions& options) {
  const std::size_t machines = options.machines.size();
  const bool must_divide = options.cut == Cut::kTree;
  if (options.groups < 1 || options.groups > machines || (must_divide && machines % options.groups != 0)) {
    throw ArgumentError(
        fmt::format("groups is {} with {} machines; expected {}", options.groups, machines,
                    must_divide ? "a number that divides them" : "at most one for each machine"));
  }
  if (!options.group_links.empty() && options.group_links.size() != options.groups) {
    throw ArgumentError(fmt::format("group_links has {} links for {} groups; expected one for each, or none",
                                    options.group_links.size(), options.groups));
  }
  for (std::size_t i = 0; i < options.group_links.size(); ++i)
    check_link(options.group_links[i], first_machine_of_group(options, i));
}

void check_actors(const SegmentOptions& segments) {
  if (segments.round_steps < 1)
    throw ArgumentError("segments.round_steps is 0; expected at least 1 with asynchronous actors");
  if (segments.queued_rounds < 1)
    throw ArgumentError("segments.queued_rounds is 0; expected at least 1 with asynchronous actors");
  if (segments.queue_bytes < 1) throw ArgumentError("segments.queue_bytes is 0; expected at least 1");
}

}  // namespace

void check_machine(const SimulatedMachine& each, std::size_t index, bool may_come_and_go) {
  const auto& [machine, link] = each;
  check_number("seconds_per_step", index, machine.seconds_per_step, kLongestSpan_s);
  check_number("seconds_per_gradient", index, machine.seconds_per_gradient, kLongestSpan_s);
  check_number("seconds_per_inference", index, machine.seconds_per_inference, machine.seconds_per_step);
  check_number("factor", index, machine.factor, 1e9);
  if (machine.factor == 0) throw ArgumentError(fmt::format("machine {}: factor is 0; give more", index + 1));
  check_number("jitter", index, machine.jitter, 1e3);
  check_number("steps_per_second", index, machine.steps_per_second, 1e9);
  check_number("joins_seconds", index, machine.joins_seconds, kLongestSpan_s);
  check_number("leaves_seconds", index, machine.leaves_seconds, kLongestSpan_s);
  check_number("present_seconds", index, machine.present_seconds, kLongestSpan_s);
  check_number("away_seconds", index, machine.away_seconds, kLongestSpan_s);
  check_link(link, index);
  if (machine.leaves_seconds > 0 && machine.leaves_seconds <= machine.joins_seconds) {
    throw ArgumentError(
        fmt::format("machine {}: it leaves after {} s and joins after {} s; expected the other order",
                    index + 1, machine.leaves_seconds, machine.joins_seconds));
  }
  if ((machine.present_seconds > 0) != (machine.away_seconds > 0)) {
    throw ArgumentError(fmt::format(
        "machine {}: present_seconds is {} and away_seconds {}; expected both above 0, or neither", index + 1,
        machine.present_seconds, machine.away_seconds));
  }
  if (comes_and_goes(machine) && !may_come_and_go) {
    throw ArgumentError(fmt::format(
        "machine {} comes or goes; expected the cut 'weights', in which the others go on without it",
        index + 1));
  }
}

void check_partitions(const LinkModel& link, std::size_t index) {
  if (!Partitions(link).break_links()) return;
  throw ArgumentError(fmt::format(
      "machine {}: a partition of {} s, in which the learner takes it for gone; expected a shorter "
      "one, or the cut 'weights'",
      index + 1, link.partition_seconds));
}

void check_simulation(const SimulationOptions& options, const std::vector<LocalTrainer*>& trainers) {
  const std::size_t machines = options.machines.size();
  if (machines < 1 || machines > kMostMachines) {
    throw ArgumentError(fmt::format("{} machines; expected 1 to {}", machines, kMostMachines));
  }
  const bool is_weights = options.cut == Cut::kWeights;
  for (std::size_t i = 0; i < machines; ++i) {
    check_machine(options.machines[i], i, is_weights);
    if (!is_weights) check_partitions(options.machines[i].link, i);
  }
  check_number("parent_bits_per_second", 0, options.parent_bits_per_second, 1e15);
  if (!is_finite(options.max_seconds) || options.max_seconds < 0 || options.max_seconds > kLongestSpan_s) {
    throw ArgumentError(fmt::format("max_seconds is {}; expected a number from 0 (no limit) to {:g}",
                                    options.max_seconds, kLongestSpan_s));
  }
  if (options.environments < 1) {
    throw ArgumentError(fmt::format("{} environments; expected at least 1", options.environments));
  }
  const ExchangeModel& exchange = options.exchange;
  check_mixing_weight(exchange.alpha, "alpha");
  check_mixing_weight(exchange.beta, "beta");
  check_round_options(exchange.rounds);
  if (exchange.merge_method && (exchange.merge_rule || (exchange.kind == ExchangeKind::kRounds &&
                                                        !exchange.merge_method->combines_rounds()))) {
    throw ArgumentError(fmt::format("merge_method '{}' is given {}; expected it without",
                                    exchange.merge_method->name(),
                                    exchange.merge_rule ? "together with a merge_rule" : "with rounds"));
  }
  if (exchange.kind != ExchangeKind::kEach && exchange.kind != ExchangeKind::kRounds) {
    throw ArgumentError(
        fmt::format("the exchange is '{}'; expected 'each' or 'rounds'", exchange_name(exchange.kind)));
  }
  if (exchange.overlap && exchange.kind == ExchangeKind::kRounds)
    throw ArgumentError("overlap is set and the exchange is 'rounds'; expected 'each' with it");
  if (options.cut == Cut::kAlone && machines != 1) {
    throw ArgumentError(fmt::format("the cut is 'alone' with {} machines; expected 1", machines));
  }
  if (options.cut == Cut::kEnvironments && machines < 2)
    throw ArgumentError("the cut is 'environments' with 1 machine; expected a server and at least one host");
  if (options.shards < 1 || options.shards > kMostShards)
    throw ArgumentError(fmt::format("{} shards; expected 1 to {}", options.shards, kMostShards));
  if (is_asynchronous(options)) check_actors(options.segments);
  if (options.cut == Cut::kTree || middle_parents(options) > 0) check_groups(options);
  const std::size_t expected = is_asynchronous(options) ? machines + 1
                               : has_parent(options)    ? machines / machines_of_child(options)
                                                        : 1;
  if (trainers.size() != expected || std::find(trainers.begin(), trainers.end(), nullptr) != trainers.end()) {
    throw ArgumentError(
        fmt::format("{} trainers, or one of them null; the cut '{}' with {} machines needs {}",
                    trainers.size(), cut_name(options.cut), machines, expected));
  }
  for (const LocalTrainer* trainer : trainers) {
    if (const auto difference = trainers.front()->layout().difference(trainer->layout()))
      throw ArgumentError("the trainers have different networks: " + *difference);
  }
}

void RecentReturns::add(const std::vector<EpisodeResult>& episodes) {
  for (const EpisodeResult& episode : episodes) returns_.push_back(episode.episode_return);
  while (returns_.size() > kRecent) returns_.pop_front();
}

std::optional<double> RecentReturns::mean() const {
  if (returns_.empty()) return std::nullopt;
  return std::accumulate(returns_.begin(), returns_.end(), 0.0) / static_cast<double>(returns_.size());
}

double playing_seconds(const MachineModel& machine, double steps, int environments) {
  const double computing = machine.factor * machine.seconds_per_step * steps;
  if (machine.steps_per_second <= 0) return computing;
  return std::max(computing, steps / (environments * machine.steps_per_second));
}

double with_jitter(const MachineModel& machine, double seconds, Random& random) {
  return machine.jitter > 0 ? seconds * (1 + random.uniform(0, machine.jitter)) : seconds;
}

}  // namespace genkidama::sim
