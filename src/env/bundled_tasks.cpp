#include "genkidama/env/bundled_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/spelling.h"
#include "genkidama/core/error.h"
#include "genkidama/env/acrobot.h"
#include "genkidama/env/bipedal_walker.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/lamplighter.h"
#include "genkidama/env/lunar_lander.h"
#include "genkidama/env/mountain_car.h"
#include "genkidama/env/pendulum.h"
#include "genkidama/env/recall.h"
#include "genkidama/env/selected_observations.h"

namespace genkidama {
namespace {

// One row per task, in the order of the names.
const std::vector<BundledTask>& table() {
  static const std::vector<BundledTask> tasks{
      {"acrobot", {"Acrobot-v1"}, "swing two links up by the joint between them", make_acrobot},
      {"bipedal-walker",
       {"BipedalWalker-v3"},
       "walk on two legs over slightly uneven ground",
       [] { return make_bipedal_walker(); }},
      {"bipedal-walker-hardcore",
       {"BipedalWalkerHardcore-v3"},
       "the same over stumps, stairs and pits",
       [] { return make_bipedal_walker({.hardcore = true}); }},
      {"cart-pole", {"CartPole-v1"}, "balance a pole on a cart", make_cart_pole},
      {"cart-pole-without-velocities",
       {},
       "the same without velocities in the observation, which takes memory",
       make_cart_pole_without_velocities},
      {"lamplighter", {}, "light lamps with a ball, seen as 10 x 10 pixels", make_lamplighter},
      {"lunar-lander",
       {"LunarLander-v2"},
       "land between two flags with three engines",
       [] { return make_lunar_lander(); }},
      {"lunar-lander-continuous",
       {"LunarLanderContinuous-v3", "LunarLanderContinuous-v2"},
       "the same with engines that are throttled",
       [] { return make_lunar_lander_continuous(); }},
      {"mountain-car", {"MountainCar-v0"}, "drive an underpowered car out of a valley", make_mountain_car},
      {"mountain-car-continuous",
       {"MountainCarContinuous-v0"},
       "the same with any force, which costs fuel",
       make_mountain_car_continuous},
      {"pendulum", {"Pendulum-v1"}, "swing a pendulum up and hold it there", make_pendulum},
      {"recall",
       {},
       "name a cue that was shown 20 steps ago, which takes memory",
       [] { return make_recall(); }},
  };
  return tasks;
}

std::string folded(std::string name) {
  for (char& letter : name) {
    letter = letter == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return name;
}

bool is_called(const BundledTask& task, const std::string& folded_name) {
  return folded(task.name) == folded_name ||
         std::any_of(task.aliases.begin(), task.aliases.end(),
                     [&](const std::string& alias) { return folded(alias) == folded_name; });
}

// The nearest of the names and aliases, in words; nothing when none is near.
std::string suggestion(const std::string& folded_name) {
  std::vector<std::string> names;
  for (const BundledTask& task : table()) {
    names.push_back(folded(task.name));
    for (const std::string& alias : task.aliases) names.push_back(folded(alias));
  }
  return did_you_mean(folded_name, names);
}

}  // namespace

std::span<const BundledTask> bundled_tasks() {
  return table();
}

const BundledTask& bundled_task(const std::string& name) {
  const std::string wanted = folded(name);
  for (const BundledTask& task : table()) {
    if (is_called(task, wanted)) return task;
  }
  std::vector<std::string> known;
  for (const BundledTask& task : table()) known.push_back(task.name);
  throw ArgumentError(fmt::format("no bundled task is called '{}'{}; expected one of {}", name,
                                  suggestion(wanted), fmt::join(known, ", ")));
}

}  // namespace genkidama
