#include "run/state/child_counters.h"

#include <fmt/format.h>

#include <utility>

#include "genkidama/core/error.h"
#include "run/directory/json_file.h"

namespace genkidama::run {
namespace {

constexpr const char* kOthers = "(others)";

// What was done since `before`; all of it when the count has begun again.
std::uint64_t advance(std::uint64_t& before, std::uint64_t now) {
  const std::uint64_t last = std::exchange(before, now);
  return now >= last ? now - last : now;
}

}  // namespace

ChildCounters::ChildCounters(const std::string& text) {
  if (text.empty()) return;
  try {
    const auto children = nlohmann::json::parse(text);
    for (const auto& [name, values] : children.items()) {
      Child& child = children_[name];
      child.all = {values.at(0), values.at(1), values.at(2)};
      child.told_steps = values.at(3);
      child.told_episodes = values.at(4);
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

std::uint64_t ChildCounters::add(const ParentUpdate& update) {
  Child& child = child_of(update.child);
  const std::uint64_t episodes = advance(child.told_episodes, update.episodes);
  ++child.all.updates;
  child.all.environment_steps += advance(child.told_steps, update.environment_steps);
  child.all.episodes += episodes;
  return episodes;
}

std::string ChildCounters::text() const {
  if (children_.empty()) return "";
  nlohmann::json children = nlohmann::json::object();
  for (const auto& [name, child] : children_) {
    children[name] = {child.all.updates, child.all.environment_steps, child.all.episodes, child.told_steps,
                      child.told_episodes};
  }
  // A name that is not UTF-8 must not spoil the state.
  return children.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

nlohmann::ordered_json ChildCounters::report() const {
  auto report = nlohmann::ordered_json::object();
  for (const auto& [name, child] : children_) {
    report[name] = {{"updates", child.all.updates},
                    {"environment_steps", child.all.environment_steps},
                    {"episodes", child.all.episodes}};
  }
  return report;
}

}  // namespace genkidama::run
