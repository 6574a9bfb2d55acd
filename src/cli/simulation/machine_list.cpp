#include "cli/simulation/machine_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama::cli {
namespace {

constexpr double kMicro = 1e-6, kMilli = 1e-3, kMega = 1e6;
constexpr double kLeastMbit = 1e-4, kMostUs = 1e12;

struct Key {
  double most;
  std::function<void(SimulatedPart&, double)> set;
};

const std::map<std::string, Key, std::less<>>& keys() {
  static const std::map<std::string, Key, std::less<>> all = {
      {"factor", {1e6, [](SimulatedPart& part, double value) { part.model.machine.factor = value; }}},
      {"jitter", {1e3, [](SimulatedPart& part, double value) { part.model.machine.jitter = value; }}},
      {"step-us",
       {kMostUs,
        [](SimulatedPart& part, double value) {
          part.model.machine.seconds_per_step = kMicro * value;
          part.has_own_step = true;
        }}},
      {"gradient-us",
       {kMostUs,
        [](SimulatedPart& part, double value) {
          part.model.machine.seconds_per_gradient = kMicro * value;
          part.has_own_gradient = true;
        }}},
      {"inference-us",
       {kMostUs,
        [](SimulatedPart& part, double value) {
          part.model.machine.seconds_per_inference = kMicro * value;
          part.has_own_inference = true;
        }}},
      {"steps-per-second",
       {1e9, [](SimulatedPart& part, double value) { part.model.machine.steps_per_second = value; }}},
      {"latency-ms",
       {1e6, [](SimulatedPart& part, double value) { part.model.link.latency_seconds = kMilli * value; }}},
      {"mbit",
       {1e9, [](SimulatedPart& part, double value) { part.model.link.bits_per_second = kMega * value; }}},
      {"link-jitter-ms",
       {1e6, [](SimulatedPart& part, double value) { part.model.link.jitter_seconds = kMilli * value; }}},
      {"packet-loss", {0.5, [](SimulatedPart& part, double value) { part.model.link.loss = value; }}},
      {"connected",
       {1e8, [](SimulatedPart& part, double value) { part.model.link.connected_seconds = value; }}},
      {"partition",
       {1e8, [](SimulatedPart& part, double value) { part.model.link.partition_seconds = value; }}},
      {"joins", {1e8, [](SimulatedPart& part, double value) { part.model.machine.joins_seconds = value; }}},
      {"leaves", {1e8, [](SimulatedPart& part, double value) { part.model.machine.leaves_seconds = value; }}},
      {"present",
       {1e8, [](SimulatedPart& part, double value) { part.model.machine.present_seconds = value; }}},
      {"away", {1e8, [](SimulatedPart& part, double value) { part.model.machine.away_seconds = value; }}},
      {"round-steps",
       {1e8, [](SimulatedPart& part, double value) { part.round_steps = static_cast<int>(value); }}},
  };
  return all;
}

[[noreturn]] void refuse(const std::string& spec, const std::string& why) {
  throw ArgumentError(fmt::format("--machine is '{}': {}", spec, why));
}

std::string names() {
  std::string text;
  for (const auto& [name, unused] : keys()) text += (text.empty() ? "" : ", ") + name;
  return text;
}

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

void apply(const std::string& spec, std::string_view word, SimulatedPart& part) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const auto key = keys().find(name);
  if (equals == std::string_view::npos || key == keys().end())
    refuse(spec, fmt::format("'{}' is not understood; expected KEY=VALUE with one of {}", word, names()));
  const std::string_view text = word.substr(equals + 1);
  const auto value = number_in<double>(text);
  if (!value || !is_finite(*value) || *value < 0 || *value > key->second.most) {
    refuse(spec, fmt::format("{} is '{}'; expected a number from 0 to {:g}", name, text, key->second.most));
  }
  if (name == "round-steps" && (*value < 1 || *value != static_cast<int>(*value)))
    refuse(spec, fmt::format("round-steps is '{}'; expected a whole number of at least 1", text));
  key->second.set(part, *value);
}

/// Of two spans that take turns, one alone means nothing.
void check_turns(const std::string& spec, const char* first, double first_s, const char* second,
                 double second_s) {
  if ((first_s > 0) == (second_s > 0)) return;
  refuse(spec, fmt::format("{} is {:g} and {} is {:g}; expected both above 0, or neither", first, first_s,
                           second, second_s));
}

void check(const std::string& spec, const sim::SimulatedMachine& machine, const std::string& cut) {
  check_turns(spec, "present", machine.machine.present_seconds, "away", machine.machine.away_seconds);
  check_turns(spec, "connected", machine.link.connected_seconds, "partition", machine.link.partition_seconds);
  if (machine.link.partition_seconds > 0 && cut == "alone")
    refuse(spec, "--cut is 'alone', whose machine has no link; expected a cut with links, or no partition");
}

/// What the library would refuse in its own words.
void check_usual(const SimulationSettings& settings) {
  for (const auto& [flag, mbit] :
       {std::pair("--bandwidth-mbit", settings.bandwidth_mbit),
        std::pair("--group-bandwidth-mbit", settings.group_bandwidth_mbit.value_or(0))}) {
    if (mbit == 0 || mbit >= kLeastMbit) continue;
    throw ArgumentError(
        fmt::format("{} is {:g}; expected at least {:g}, or 0 for no limit", flag, mbit, kLeastMbit));
  }
  for (const auto& [flag, us] : {std::pair("--step-us", settings.step_us.value_or(0)),
                                 std::pair("--gradient-us", settings.gradient_us.value_or(0)),
                                 std::pair("--inference-us", settings.inference_us.value_or(0))}) {
    if (us <= kMostUs) continue;
    throw ArgumentError(fmt::format("{} is {:g}; expected a number from 0 to {:g}", flag, us, kMostUs));
  }
}

}  // namespace

std::vector<SimulatedPart> machines_of(const Settings& all) {
  const SimulationSettings& settings = all.simulation;
  check_usual(settings);
  SimulatedPart usual;
  usual.model.machine.seconds_per_step = kMicro * settings.step_us.value_or(0);
  usual.model.machine.seconds_per_gradient = kMicro * settings.gradient_us.value_or(0);
  usual.model.machine.seconds_per_inference = kMicro * settings.inference_us.value_or(0);
  usual.model.machine.factor = settings.factor;
  usual.model.machine.jitter = settings.jitter;
  usual.model.machine.steps_per_second = all.learning.steps_per_second;
  usual.model.link.latency_seconds = kMilli * settings.latency_ms;
  usual.model.link.bits_per_second = kMega * settings.bandwidth_mbit;
  usual.model.link.jitter_seconds = kMilli * settings.link_jitter_ms;
  usual.model.link.loss = settings.loss;
  const auto count = static_cast<std::size_t>(settings.machines);
  std::vector<SimulatedPart> parts;
  for (const std::string& spec : settings.specs) {
    const std::size_t colon = spec.find(':');
    const auto machines = number_in<std::size_t>(std::string_view(spec).substr(0, colon));
    if (colon == std::string::npos || !machines || *machines < 1)
      refuse(spec, "expected COUNT:KEY=VALUE,..., such as 1:factor=10");
    if (parts.size() + *machines > count) {
      refuse(spec, fmt::format("expected at most {} machines in all, as --machines says", count));
    }
    SimulatedPart part = usual;
    std::string_view rest = std::string_view(spec).substr(colon + 1);
    for (std::size_t comma = 0; comma != std::string_view::npos; rest = rest.substr(comma + 1)) {
      comma = rest.find(',');
      apply(spec, rest.substr(0, comma), part);
      if (comma == std::string_view::npos) break;
    }
    check(spec, part.model, all.command == kSimulate ? settings.cut : "");
    parts.insert(parts.end(), *machines, part);
  }
  parts.resize(count, usual);
  for (SimulatedPart& part : parts) {
    sim::MachineModel& machine = part.model.machine;
    // Of a machine whose steps are quicker than what the policy takes elsewhere.
    if (!part.has_own_inference)
      machine.seconds_per_inference = std::min(machine.seconds_per_inference, machine.seconds_per_step);
  }
  return parts;
}

}  // namespace genkidama::cli
