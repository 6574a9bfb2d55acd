#include "cli/simulation/simulation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cli/terminal/text_table.h"

namespace genkidama::cli {
namespace {

constexpr std::size_t kShownRows = 20;

std::string number_text(const std::optional<double>& value) {
  if (!value) return "-";
  // A quadratic comes close to 0.
  return std::abs(*value) < 1 ? fmt::format("{:.3g}", *value) : fmt::format("{:.1f}", *value);
}

std::string curve_text(const std::vector<SimulatedRow>& rows) {
  std::vector<std::vector<std::string>> table;
  const std::size_t every = std::max<std::size_t>(1, (rows.size() + kShownRows - 1) / kShownRows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if ((i + 1) % every != 0 && i + 1 != rows.size()) continue;
    const SimulatedRow& row = rows[i];
    table.push_back({fmt::format("{:.3f}", row.seconds), fmt::format("{}", row.update),
                     fmt::format("{}", row.played.steps), number_text(row.recent_return),
                     number_text(row.evaluated_return)});
  }
  return aligned_table({"virtual s", "update", "steps in all", "return", "evaluated"}, table);
}

std::string percent(double part, double whole) {
  return fmt::format("{:.1f} %", whole > 0 ? 100 * part / whole : 0.0);
}

std::string traffic_text(const SimulationResult& result) {
  const double up = 1e-6 * static_cast<double>(result.summary.bytes_up),
               down = 1e-6 * static_cast<double>(result.summary.bytes_down);
  if (result.cut == "peers") return fmt::format("{:.3f} MB between the peers", up + down);
  return fmt::format("{:.3f} MB to the {}, {:.3f} MB back", up,
                     result.cut == "gradients"  ? "shards"
                     : result.summary.turns > 0 ? "server"
                                                : "Parent",
                     down);
}

}  // namespace

std::string cost_flags(const StepCosts& costs) {
  return fmt::format("--step-us {:g} --gradient-us {:g}{}", costs.step_us, costs.gradient_us,
                     costs.inference_us ? fmt::format(" --inference-us {:g}", *costs.inference_us) : "");
}

std::string to_text(const SimulationResult& result) {
  const sim::SimulationSummary& summary = result.summary;
  std::string text = curve_text(result.rows);
  const std::string groups =
      result.groups == 0 ? "" : fmt::format(" of {} group{}", result.groups, result.groups == 1 ? "" : "s");
  text += fmt::format("{} machine{}, cut {}{}{}{}: {} updates, {} steps in all, {:.3f} virtual seconds\n",
                      result.machines, result.machines == 1 ? "" : "s", result.cut, groups,
                      result.exchange.empty() ? "" : ", exchange ", result.exchange, summary.updates,
                      summary.played.steps, summary.seconds);
  text += fmt::format("computing {}, waiting {} of {:.3f} machine-seconds; {}\n",
                      percent(summary.computing_seconds, summary.seconds * result.machines),
                      percent(summary.waiting_seconds, summary.seconds * result.machines),
                      summary.seconds * result.machines, traffic_text(result));
  if (summary.turns > 0) {
    text +=
        fmt::format("{} turns, {:.2f} environments asked in the mean, {:.0f} steps a second\n", summary.turns,
                    static_cast<double>(summary.played.steps + summary.played.episodes) /
                        static_cast<double>(summary.turns),
                    static_cast<double>(summary.played.steps) / std::max(1e-9, summary.seconds));
  }
  if (summary.contributions > 0) {
    text += fmt::format(
        "{} contributions, staleness {:.2f} in the mean, {} late, {} dropped, {} rounds by a deadline",
        summary.contributions, summary.mean_staleness, summary.late, summary.dropped, summary.by_deadline);
    if (summary.links_lost > 0) text += fmt::format(", {} times a link was lost", summary.links_lost);
    text += '\n';
  }
  if (summary.segments.segments > 0) {
    text +=
        fmt::format("policy lag {:.2f} in the mean, at most {}; {} steps too late, {} dropped by the queue\n",
                    summary.segments.mean_lag(), summary.segments.max_lag, summary.segments.late_steps,
                    summary.segments.queue_dropped_steps);
  }
  if (result.reached) {
    text +=
        fmt::format("reached the target after {:.3f} virtual seconds and {} steps in all, with {:.1f}\n",
                    result.reached->seconds, result.reached->played.steps, *result.reached->evaluated_return);
  } else {
    text += fmt::format("ended by: {}\n", result.end);
  }
  return text;
}

nlohmann::ordered_json to_json(const SimulationResult& result) {
  const sim::SimulationSummary& summary = result.summary;
  nlohmann::ordered_json json;
  json["cut"] = result.cut;
  if (!result.exchange.empty()) json["exchange"] = result.exchange;
  json["machines"] = result.machines;
  if (result.groups > 0) json["groups"] = result.groups;
  json["ended_by"] = result.end;
  json["virtual_seconds"] = summary.seconds;
  if (result.reached) {
    json["seconds_to_target"] = result.reached->seconds;
    json["steps_to_target"] = result.reached->played.steps;
    json["return_at_target"] = *result.reached->evaluated_return;
  } else {
    json["seconds_to_target"] = nullptr;
  }
  json["updates"] = summary.updates;
  json["environment_steps"] = summary.played.steps;
  json["episodes"] = summary.played.episodes;
  json["optimizer_steps"] = summary.optimizer_steps;
  const auto& last = result.rows;
  json["recent_return"] = !last.empty() && last.back().recent_return
                              ? nlohmann::ordered_json(*last.back().recent_return)
                              : nullptr;
  json["bytes_up"] = summary.bytes_up;
  json["bytes_down"] = summary.bytes_down;
  json["computing_seconds"] = summary.computing_seconds;
  json["waiting_seconds"] = summary.waiting_seconds;
  json["contributions"] = summary.contributions;
  json["mean_staleness"] = summary.mean_staleness;
  json["late"] = summary.late;
  json["dropped"] = summary.dropped;
  json["rounds_by_deadline"] = summary.by_deadline;
  if (summary.segments.segments > 0) {
    json["policy_lag_mean"] = summary.segments.mean_lag();
    json["policy_lag_max"] = summary.segments.max_lag;
    json["late_steps"] = summary.segments.late_steps;
    json["queue_dropped_steps"] = summary.segments.queue_dropped_steps;
  }
  if (summary.turns > 0) json["turns"] = summary.turns;
  json["links_lost"] = summary.links_lost;
  json["events"] = summary.events;
  return json;
}

std::string to_csv(const SimulationResult& result) {
  std::string text = "virtual_seconds,update,environment_steps,episodes,recent_return,evaluated_return\n";
  const auto field = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.8g}", *value) : std::string();
  };
  for (const SimulatedRow& row : result.rows) {
    text += fmt::format("{:.9f},{},{},{},{},{}\n", row.seconds, row.update, row.played.steps,
                        row.played.episodes, field(row.recent_return), field(row.evaluated_return));
  }
  return text;
}

}  // namespace genkidama::cli
