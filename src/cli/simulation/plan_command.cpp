#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/simulation/machine_list.h"
#include "cli/simulation/result_file.h"
#include "cli/simulation/simulation_report.h"
#include "cli/simulation/simulation_run.h"
#include "cli/terminal/output.h"
#include "cli/terminal/text_table.h"
#include "genkidama/core/error.h"
#include "genkidama/run/stop_signal.h"
#include "run/directory/json_file.h"

namespace genkidama::cli {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
// A way that takes this many times as long as the best one so far is not simulated any further.
constexpr double kWorthKnowing = 1.5;
constexpr double kPlannedMomentum = 0.5;

/// One way of sharing.
struct Way {
  std::string name, cut, advice;
  std::function<void(Settings&)> set;
};

/// The advice says all that is simulated, since a preset has values of its own for rounds.
Way rounds_way(const Settings& settings, OuterOptimizerKind outer, double rate_factor) {
  const bool has_momentum = outer != OuterOptimizerKind::kNone;
  Hyperparameters hyper = settings.learning.hyperparameters;
  hyper.learning_rate *= rate_factor;
  if (hyper.round_steps > 0) hyper.round_end = RoundEnd::kStep;
  std::string name = has_momentum ? fmt::format("rounds, {}", outer_optimizer_name(outer)) : "rounds";
  if (rate_factor > 1) name += fmt::format(", rate x {:g}", rate_factor);
  const std::string momentum = has_momentum ? fmt::format(" --outer-momentum {:g}", kPlannedMomentum) : "";
  return {name, "weights",
          fmt::format("'--exchange rounds --outer-optimizer {}{}' for the Parent and '--exchange rounds "
                      "--learning-rate {:g} --round-end {}' for its Children",
                      outer_optimizer_name(outer), momentum, hyper.learning_rate,
                      round_end_name(hyper.round_end)),
          [hyper, outer](Settings& changed) {
            changed.learning.hyperparameters = hyper;
            changed.links.exchange = ExchangeKind::kRounds;
            changed.links.outer_optimizer.kind = outer;
            changed.links.outer_optimizer.momentum = kPlannedMomentum;
          }};
}

std::vector<Way> ways_of(const Settings& settings) {
  const int machines = settings.simulation.machines;
  std::vector<Way> ways = {{"alone", "alone", "one machine alone ('train')", [](Settings&) {}}};
  if (machines == 1) return ways;
  ways.push_back({"segments", "segments", "the cut at segments (players and one learner)", [](Settings&) {}});
  // What several machines learn in a round is a mean, in which much of their noise is gone.
  ways.push_back(rounds_way(settings, OuterOptimizerKind::kNesterov, machines > 8 ? 2 : 1.5));
  ways.push_back(rounds_way(settings, OuterOptimizerKind::kNesterov, 1));
  ways.push_back(rounds_way(settings, OuterOptimizerKind::kNone, 1));
  ways.push_back({"each", "weights", "'--exchange each' for the Parent and its Children",
                  [](Settings& changed) { changed.links.exchange = ExchangeKind::kEach; }});
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
                    fmt::format("{:.1f}", each.megabytes)});
  }
  return aligned_table({"cut", "virtual s", "speed-up", "steps in all", "waiting", "MB"}, rows);
}

std::string advice_of(const std::vector<Prediction>& predictions, const Settings& settings) {
  const Prediction& best =
      *std::min_element(predictions.begin(), predictions.end(),
                        [](const auto& a, const auto& b) { return a.median() < b.median(); });
  if (best.median() == kNever) {
    return fmt::format("Advice: none; no way has reached {} within the limits.\n", *settings.run.target);
  }
  const double alone = predictions.front().median();
  const std::string gain = alone == kNever || best.way.cut == "alone"
                               ? ""
                               : fmt::format(", {:.1f} times sooner than one machine", alone / best.median());
  return fmt::format("Advice: {} is predicted to reach {} after {:.3g} s{}.\n", best.way.advice,
                     *settings.run.target, best.median(), gain);
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
  }
  std::vector<Prediction> predictions;
  double best = kNever;
  const std::vector<Way> ways = ways_of(settings);
  for (const Way& way : ways) {
    Prediction prediction = predict(job, way, kWorthKnowing * best);
    if (run::stop_signal() != 0) return interrupted(predictions, ways.size());
    predictions.push_back(std::move(prediction));
    best = std::min(best, predictions.back().median());
  }
  if (!settings.evaluate.json_file.empty())
    run::write_json_file(settings.evaluate.json_file, json_of(predictions));
  print_text(table_of(predictions) + advice_of(predictions, settings));
  if (measured) print("the costs were measured on this machine; to repeat: {}\n", cost_flags(*measured));
  return 0;
}

}  // namespace genkidama::cli
