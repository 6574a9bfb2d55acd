#include "run/state/child_counters.h"

#include <fmt/format.h>

#include <utility>

#include "genkidama/core/error.h"
#include "run/directory/json_file.h"

namespace genkidama::run {
namespace {

constexpr const char* kOthers = "(others)";

}  // namespace

ChildCounters::ChildCounters(const std::string& text) {
  if (text.empty()) return;
  try {
    const auto children = nlohmann::json::parse(text);
    for (const auto& [name, values] : children.items()) {
      Child& child = children_[name];
      child.updates = values.at(0);
      child.in_run = {values.at(1), values.at(2)};
      child.since_child_began = {values.at(3), values.at(4)};
      // Earlier versions have not kept the rest.
      if (values.size() == 5) continue;
      child.movement = values.at(5);
      child.agreement_sum = values.at(6);
      child.agreements = values.at(7);
      child.staleness_sum = values.at(8);
    }
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(
        fmt::format("the state's counts of Children cannot be read: {}", json_problem(error, text)));
  }
}

ChildCounters::Child& ChildCounters::child_of(const std::string& name) {
  const auto found = children_.find(name);
  if (found != children_.end()) return found->second;
  return children_[children_.size() < kMaxNames ? name : kOthers];
}

Played ChildCounters::add(const ParentUpdate& update) {
  if (update.contributions.empty()) {
    const Played played = add(update.child, update.since_child_began, update.since_merge);
    add_influence(update.child, update.movement, update.agreement, update.staleness);
    return played;
  }
  Played sum;
  for (const RoundContribution& each : update.contributions) {
    sum += add(each.child, each.since_child_began, each.since_merge);
    add_influence(each.child, each.movement, each.agreement, each.staleness);
  }
  return sum;
}

Played ChildCounters::add(const std::string& name, const Played& since_child_began, Played played) {
  Child& child = child_of(name);
  const Played before = std::exchange(child.since_child_began, since_child_began);
  const Played& now = child.since_child_began;
  // The steps of the earlier session were counted under this name, and so its episodes are known.
  const bool goes_on = before.steps > 0 && before.steps + played.steps == now.steps;
  if (goes_on && before.episodes <= now.episodes) played.episodes = now.episodes - before.episodes;
  ++child.updates;
  child.in_run += played;
  return played;
}

void ChildCounters::add_influence(const std::string& name, double movement, std::optional<double> agreement,
                                  std::uint64_t staleness) {
  Child& child = child_of(name);
  child.movement += movement;
  child.staleness_sum += staleness;
  if (!agreement) return;
  child.agreement_sum += *agreement;
  ++child.agreements;
}

std::vector<ChildInfluence> ChildCounters::influence() const {
  double total = 0;
  for (const auto& [name, child] : children_) total += child.movement;
  std::vector<ChildInfluence> all;
  for (const auto& [name, child] : children_) {
    ChildInfluence each{name, child.updates, child.movement, total > 0 ? child.movement / total : 0, {}, 0};
    if (child.agreements > 0) each.agreement = child.agreement_sum / static_cast<double>(child.agreements);
    if (child.updates > 0)
      each.staleness = static_cast<double>(child.staleness_sum) / static_cast<double>(child.updates);
    all.push_back(std::move(each));
  }
  return all;
}

std::string ChildCounters::text() const {
  if (children_.empty()) return "";
  nlohmann::json children = nlohmann::json::object();
  for (const auto& [name, child] : children_) {
    children[name] = {child.updates,
                      child.in_run.steps,
                      child.in_run.episodes,
                      child.since_child_began.steps,
                      child.since_child_began.episodes,
                      child.movement,
                      child.agreement_sum,
                      child.agreements,
                      child.staleness_sum};
  }
  // A name that is not UTF-8 must not spoil the state.
  return children.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

nlohmann::ordered_json ChildCounters::report() const {
  auto report = nlohmann::ordered_json::object();
  for (const ChildInfluence& each : influence()) {
    const Child& child = children_.at(each.child);
    report[each.child] = {{"updates", child.updates},          {"environment_steps", child.in_run.steps},
                          {"episodes", child.in_run.episodes}, {"movement", each.movement},
                          {"movement_share", each.share},      {"agreement", nullptr},
                          {"staleness_mean", each.staleness}};
    if (each.agreement) report[each.child]["agreement"] = *each.agreement;
  }
  return report;
}

}  // namespace genkidama::run
