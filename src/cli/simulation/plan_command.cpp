#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/result_file.h"
#include "cli/simulation/machine_list.h"
#include "cli/simulation/simulation_report.h"
#include "cli/simulation/simulation_run.h"
#include "cli/terminal/output.h"
#include "cli/terminal/text_table.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/params/mixing.h"
#include "genkidama/params/topology.h"
#include "genkidama/run/stop_signal.h"
#include "run/directory/json_file.h"
#include "sim/partitions.h"
#include "sim/presence.h"

namespace genkidama::cli {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
// A way that takes this many times as long as the best one so far is not simulated any further.
constexpr double kWorthKnowing = 1.5;
constexpr double kPlannedMomentum = 0.5;

constexpr int kManyEnvironments = 16;
constexpr int kMostEnvironments = 1024;  // of a worker
constexpr int kFewestForTree = 4;
constexpr std::size_t kMostTrees = 3;
// Of the commands that are shown.
constexpr const char* kListens = "--listen 0.0.0.0:5555 --token-file token";
constexpr const char* kDials = "--token-file token";

/// One way of sharing.
struct Way {
  std::string name, cut, advice;
  std::function<void(Settings&)> set;
  /// What is started for it, without the program's name and the flags of the task; empty: nothing can be, and
  /// the way is only simulated.
  std::vector<std::string> commands;
};

/// What Children and their Parents exchange weights by.
struct Exchanging {
  std::string name, advice, of_parent, of_child;
  bool waits = false;  ///< each Parent is told how many Children begin together
  std::function<void(Settings&)> set;
};

/// The advice says all that is simulated, since a preset has values of its own for rounds.
Exchanging rounds(const Settings& settings, OuterOptimizerKind outer, double rate_factor) {
  const bool has_momentum = outer != OuterOptimizerKind::kNone;
  Hyperparameters hyper = settings.learning.hyperparameters;
  hyper.learning_rate *= rate_factor;
  if (hyper.round_steps > 0) hyper.round_end = RoundEnd::kStep;
  std::string name = has_momentum ? fmt::format("rounds, {}", outer_optimizer_name(outer)) : "rounds";
  if (rate_factor > 1) name += fmt::format(", rate x {:g}", rate_factor);
  const std::string momentum = has_momentum ? fmt::format(" --outer-momentum {:g}", kPlannedMomentum) : "";
  const std::string of_parent =
      fmt::format("--exchange rounds --outer-optimizer {}{}", outer_optimizer_name(outer), momentum);
  const std::string of_child = fmt::format("--exchange rounds --learning-rate {:g} --round-end {}",
                                           hyper.learning_rate, round_end_name(hyper.round_end));
  return {name,
          fmt::format("'{}' for the Parent and '{}' for its Children", of_parent, of_child),
          of_parent,
          of_child,
          true,
          [hyper, outer](Settings& changed) {
            changed.learning.hyperparameters = hyper;
            changed.links.exchange = ExchangeKind::kRounds;
            changed.links.outer_optimizer.kind = outer;
            changed.links.outer_optimizer.momentum = kPlannedMomentum;
          }};
}

Exchanging each() {
  return {"each",
          "'--exchange each' for the Parent and its Children",
          "--exchange each",
          "--exchange each",
          false,
          [](Settings& changed) { changed.links.exchange = ExchangeKind::kEach; }};
}

std::string parent_command(const Exchanging& exchanging, int children) {
  const std::string first = exchanging.waits ? fmt::format(" --first-children {}", children) : "";
  return fmt::format("parent {}{} {}", kListens, first, exchanging.of_parent);
}

std::string child_command(const Exchanging& exchanging, int machines, const char* which_parent = "") {
  return fmt::format("child --connect PARENT:5555 {} {}    (on each of the {} machines{})", kDials,
                     exchanging.of_child, machines, which_parent);
}

/// One Parent for all.
Way weights_way(const Settings& settings, const Exchanging& exchanging) {
  const int machines = settings.simulation.machines;
  return {exchanging.name,
          "weights",
          exchanging.advice,
          exchanging.set,
          {parent_command(exchanging, machines), child_command(exchanging, machines)}};
}

/// What a way sets, and how many groups there are.
std::function<void(Settings&)> in_groups(int groups, std::function<void(Settings&)> set) {
  return [groups, set = std::move(set)](Settings& changed) {
    set(changed);
    changed.simulation.groups = static_cast<std::uint64_t>(groups);
  };
}

/// What several machines learn in a round is a mean, in which much of their noise is gone.
double rate_factor_of(int children) {
  return children > 8 ? 2 : 1.5;
}

/// How far the number of groups is from that of the machines in each.
double unevenness(int groups, int machines) {
  return std::abs(std::log(static_cast<double>(groups) * groups / machines));
}

/// There must be one.
int evenest(const std::vector<int>& counts, int machines) {
  return *std::min_element(counts.begin(), counts.end(), [machines](int a, int b) {
    return unevenness(a, machines) < unevenness(b, machines);
  });
}

/// How many groups a tree may sensibly have: no group of one machine, and more than one group. Of many such
/// numbers those in which groups and their machines are about equally many.
std::vector<int> group_counts(int machines) {
  std::vector<int> counts;
  if (machines < kFewestForTree) return counts;
  for (int groups = 2; groups <= machines / 2; ++groups) {
    if (machines % groups == 0) counts.push_back(groups);
  }
  std::stable_sort(counts.begin(), counts.end(),
                   [machines](int a, int b) { return unevenness(a, machines) < unevenness(b, machines); });
  if (counts.size() > kMostTrees) counts.resize(kMostTrees);
  std::sort(counts.begin(), counts.end());
  return counts;
}

/// Segments within each group, and weights between them.
Way tree_way(const Settings& settings, int groups) {
  const Exchanging exchanging = rounds(settings, OuterOptimizerKind::kNesterov, rate_factor_of(groups));
  return {fmt::format("tree, {} groups", groups),
          "tree",
          fmt::format("a tree of {} groups of {} machines, with {},", groups,
                      settings.simulation.machines / groups, exchanging.advice),
          in_groups(groups, exchanging.set),
          {}};
}

/// Parents between the topmost one and the Children.
Way levels_way(const Settings& settings, int groups, const Exchanging& exchanging) {
  const int machines = settings.simulation.machines;
  return {fmt::format("{}, {} middle Parents", exchanging.name, groups),
          "weights",
          fmt::format("{} middle Parents, with {},", groups, exchanging.advice),
          in_groups(groups, exchanging.set),
          {parent_command(exchanging, groups),
           fmt::format("{} --upper TOP:5555    (on one machine of each of the {} groups)",
                       parent_command(exchanging, machines / groups), groups),
           child_command(exchanging, machines, "; PARENT is that of its group")}};
}

/// Machines in a ring, without a Parent.
Way peers_way() {
  return {"peers, ring",
          "peers",
          "peers in a ring (Diff-DAC)",
          [](Settings& changed) {
            changed.cluster.topology = topology_name(TopologyKind::kRing);
            changed.cluster.children = changed.simulation.machines;
            changed.links.mixing = MixingRule::kDiffusion;
          },
          {fmt::format(
              "peer {} --neighbour NEXT:5555 --mixing {}    (on each machine; NEXT is the one behind it in "
              "the ring)",
              kListens, mixing_name(MixingRule::kDiffusion))}};
}

/// Learners whose weights are at shards.
Way gradients_way(const Settings& settings) {
  const std::uint64_t slices = settings.simulation.slices.value_or(1);
  Way way = {fmt::format("gradients, {} shard{}", slices, slices == 1 ? "" : "s"),
             "gradients",
             fmt::format("the cut at gradients (learners and {} shard{})", slices, slices == 1 ? "" : "s"),
             [](Settings&) {},
             {}};
  std::string shards;
  for (std::uint64_t i = 1; i <= slices; ++i) {
    way.commands.push_back(fmt::format("shard {} --slice {}/{}", kListens, i, slices));
    shards += fmt::format(" SHARD{}:5555", i);
  }
  way.commands.push_back(fmt::format("train --shards{} {} --workers 1    (on each of the {} machines)",
                                     shards, kDials, settings.simulation.machines));
  return way;
}

/// The first machine is a server, and the others step so many environments each.
Way environments_way(const Settings& settings, int environments, const std::string& name) {
  const int hosts = settings.simulation.machines - 1;
  return {name,
          "environments",
          fmt::format("a server whose environments {} host{} step, {} on each of them,", hosts,
                      hosts == 1 ? "" : "s", environments),
          [environments](Settings& changed) {
            changed.learning.hyperparameters.environments_per_worker = environments;
          },
          {fmt::format("server {} --workers 1 --envs-per-worker {} --round-end step", kListens,
                       hosts * environments),
           fmt::format(
               "environment-host --connect SERVER:5555 {} --envs {}    (on each of the {} other machines)",
               kDials, environments, hosts)}};
}

/// With as many environments as the user says, and with many, so that a link's latency is paid for all at
/// once.
void add_environments_ways(const Settings& settings, std::vector<Way>& ways) {
  const Hyperparameters& hyper = settings.learning.hyperparameters;
  const int given = hyper.environments_per_worker;
  for (const int environments : {given, std::max(given, kManyEnvironments)}) {
    const int all = environments * (settings.simulation.machines - 1);
    // Each of them plays a step of a round at least.
    const bool is_possible = all <= std::min(hyper.round_steps, kMostEnvironments);
    if (!is_possible || (environments == given && ways.back().cut == "environments")) continue;
    ways.push_back(
        environments_way(settings, environments, fmt::format("environments, {} a host", environments)));
  }
}

std::vector<Way> ways_of(const Settings& settings) {
  const int machines = settings.simulation.machines;
  std::vector<Way> ways = {{"alone", "alone", "one machine alone ('train')", [](Settings&) {}, {"train"}}};
  if (machines == 1) return ways;
  ways.push_back(
      {"segments",
       "segments",
       "the cut at segments (players and one learner)",
       [](Settings&) {},
       {fmt::format("learner {} --actors {}", kListens, machines),
        fmt::format("actor --connect LEARNER:5555 {}    (on each of the {} machines)", kDials, machines)}});
  const Exchanging plain_rounds = rounds(settings, OuterOptimizerKind::kNone, 1);
  for (const Exchanging& exchanging :
       {rounds(settings, OuterOptimizerKind::kNesterov, rate_factor_of(machines)),
        rounds(settings, OuterOptimizerKind::kNesterov, 1), plain_rounds, each()})
    ways.push_back(weights_way(settings, exchanging));
  const Hyperparameters& hyper = settings.learning.hyperparameters;
  // Peers share no statistics here, and learners of shards must not normalise.
  if (!hyper.normalise_observations) ways.push_back(peers_way());
  if (!hyper.normalise_observations && !hyper.normalise_rewards && are_rounds_in_reach(hyper, machines))
    ways.push_back(gradients_way(settings));
  add_environments_ways(settings, ways);
  const std::vector<int> counts = group_counts(machines);
  for (const int groups : counts) ways.push_back(tree_way(settings, groups));
  if (counts.empty()) return ways;
  // Of few, so that a plan does not take twice as long.
  const int groups = evenest(counts, machines);
  for (const Exchanging& exchanging : {plain_rounds, each()})
    ways.push_back(levels_way(settings, groups, exchanging));
  return ways;
}

/// Who plays for a learner is always there; only a Child is joined again.
bool needs_weights(const SimulatedPart& part) {
  return sim::comes_and_goes(part.model.machine) || sim::Partitions(part.model.link).break_links();
}

/// Those that these machines can be simulated in.
std::vector<Way> ways_for(const Settings& settings, const std::vector<SimulatedPart>& machines) {
  std::vector<Way> ways = ways_of(settings);
  if (std::none_of(machines.begin(), machines.end(), needs_weights)) return ways;
  std::erase_if(ways, [](const Way& way) {
    return way.cut == "segments" || way.cut == "tree" || way.cut == "environments" || way.cut == "gradients";
  });
  log(LogLevel::kWarning,
      "machines come and go, or lose their links: segments, trees, environments and gradients, whose "
      "players, hosts and learners are always there, are left out");
  return ways;
}

struct Prediction {
  Way way;
  std::vector<double> seconds;                   ///< of each run, sorted; kNever: not reached
  double limit = kNever;                         ///< virtual seconds after which a run was given up
  double steps = 0, waiting = 0, megabytes = 0;  ///< means over the runs

  double median() const { return seconds[(seconds.size() - 1) / 2]; }
};

Prediction predict(Job job, const Way& way, double most_seconds) {
  job.settings.simulation.cut = way.cut;
  way.set(job.settings);
  // One machine alone is the first one of the list.
  std::vector<SimulatedPart> machines = machines_of(job.settings);
  if (way.cut == "alone") {
    machines.resize(1);
    // What the others are compared with is always there, and has no link.
    sim::MachineModel& machine = machines.front().model.machine;
    machine.joins_seconds = machine.leaves_seconds = machine.present_seconds = machine.away_seconds = 0;
    machines.front().model.link = sim::LinkModel();
    job.settings.simulation.machines = 1;
  }
  const int runs = job.settings.simulation.runs;
  double& limit = job.settings.simulation.max_seconds;
  limit = limit > 0 ? std::min(limit, most_seconds) : most_seconds;
  Prediction prediction{way, {}, limit};
  if (limit == kNever) limit = 0;
  for (int i = 0; i < runs && run::stop_signal() == 0; ++i) {
    const SimulationResult result = simulate_task(job, machines);
    ++job.settings.learning.seed;
    prediction.seconds.push_back(result.reached ? result.reached->seconds : kNever);
    const double machine_seconds = result.summary.seconds * static_cast<double>(machines.size());
    prediction.steps += static_cast<double>(result.summary.played.steps) / runs;
    prediction.waiting += result.summary.waiting_seconds / machine_seconds / runs;
    prediction.megabytes +=
        1e-6 * static_cast<double>(result.summary.bytes_up + result.summary.bytes_down) / runs;
  }
  std::sort(prediction.seconds.begin(), prediction.seconds.end());
  return prediction;
}

std::string seconds_text(const Prediction& prediction) {
  const double median = prediction.median();
  if (median != kNever) return fmt::format("{:.3f}", median);
  return prediction.limit == kNever ? "not reached" : fmt::format("> {:.3f}", prediction.limit);
}

std::string table_of(const std::vector<Prediction>& predictions) {
  std::vector<std::vector<std::string>> rows;
  const double alone = predictions.front().median();
  for (const Prediction& each : predictions) {
    const double median = each.median();
    const bool is_known = alone != kNever && median != kNever;
    rows.push_back({each.way.name, seconds_text(each), is_known ? fmt::format("{:.2f}", alone / median) : "-",
                    fmt::format("{:.0f}", each.steps), fmt::format("{:.0f} %", 100 * each.waiting),
                    fmt::format("{:.1f}", each.megabytes), each.way.commands.empty() ? "no" : "yes"});
  }
  return aligned_table({"cut", "virtual s", "speed-up", "steps in all", "waiting", "MB", "can be started"},
                       rows);
}

bool is_sooner(const Prediction& a, const Prediction& b) {
  return a.median() < b.median();
}

/// What to type for the soonest way that can be started.
std::string commands_of(std::vector<Prediction> predictions, bool is_best, const std::string& program) {
  std::erase_if(predictions, [](const Prediction& each) { return each.way.commands.empty(); });
  const Prediction& best = *std::min_element(predictions.begin(), predictions.end(), is_sooner);
  std::string text;
  if (!is_best) {
    text =
        "A tree is only simulated so far: a learner of today's programs has no Parent, so nothing starts "
        "one.\n";
    if (best.median() == kNever) return text + "No way that can be started has come close to it.\n";
    text += fmt::format("The soonest way that can be started is {}, after {:.3g} s.\n", best.way.advice,
                        best.median());
  }
  text += "To start it, with the flags of the task and of learning that plan was given:\n";
  for (const std::string& command : best.way.commands) text += fmt::format("  {} {}\n", program, command);
  return text;
}

std::string advice_of(const std::vector<Prediction>& predictions, const Settings& settings,
                      const std::string& program) {
  const Prediction& best = *std::min_element(predictions.begin(), predictions.end(), is_sooner);
  if (best.median() == kNever) {
    return fmt::format("Advice: none; no way has reached {} within the limits.\n", *settings.run.target);
  }
  const double alone = predictions.front().median();
  const std::string gain = alone == kNever || best.way.cut == "alone"
                               ? ""
                               : fmt::format(", {:.1f} times sooner than one machine", alone / best.median());
  return fmt::format("Advice: {} is predicted to reach {} after {:.3g} s{}.\n", best.way.advice,
                     *settings.run.target, best.median(), gain) +
         commands_of(predictions, !best.way.commands.empty(), program);
}

nlohmann::ordered_json json_of(const std::vector<Prediction>& predictions) {
  auto json = nlohmann::ordered_json::array();
  for (const Prediction& each : predictions) {
    nlohmann::ordered_json entry;
    entry["cut"] = each.way.name;
    const double median = each.median();
    entry["seconds_to_target"] =
        median == kNever ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(median);
    entry["runs"] = each.seconds.size();
    entry["runs_that_reached"] = std::count_if(each.seconds.begin(), each.seconds.end(),
                                               [](double seconds) { return seconds != kNever; });
    entry["environment_steps"] = each.steps;
    entry["waiting_share"] = each.waiting;
    entry["megabytes"] = each.megabytes;
    entry["can_be_started"] = !each.way.commands.empty();
    json.push_back(std::move(entry));
  }
  return json;
}

/// What is known is shown, and no advice is given: the ways that are missing may be better.
int interrupted(const std::vector<Prediction>& predictions, std::size_t ways) {
  if (!predictions.empty()) print_text(table_of(predictions));
  print("interrupted by a signal: {} of {} ways were simulated, so there is no advice\n", predictions.size(),
        ways);
  return 128 + run::stop_signal();
}

}  // namespace

int run_plan(Job job) {
  Settings& settings = job.settings;
  check_result_file("--json", settings.evaluate.json_file);
  if (!settings.run.target) throw ArgumentError("--target RETURN is required: what is to be reached soonest");
  std::vector<SimulatedPart> machines = machines_of(settings);
  const auto measured = complete_costs(job, machines);
  if (measured) {
    settings.simulation.step_us = measured->step_us;
    settings.simulation.gradient_us = measured->gradient_us;
    settings.simulation.inference_us = measured->inference_us;
  }
  std::vector<Prediction> predictions;
  double best = kNever;
  const std::vector<Way> ways = ways_for(settings, machines);
  for (const Way& way : ways) {
    Prediction prediction = predict(job, way, kWorthKnowing * best);
    if (run::stop_signal() != 0) return interrupted(predictions, ways.size());
    predictions.push_back(std::move(prediction));
    best = std::min(best, predictions.back().median());
  }
  if (!settings.evaluate.json_file.empty())
    run::write_json_file(settings.evaluate.json_file, json_of(predictions));
  print_text(table_of(predictions) + advice_of(predictions, settings, job.program.name));
  if (measured) print("the costs were measured on this machine; to repeat: {}\n", cost_flags(*measured));
  return 0;
}

}  // namespace genkidama::cli
