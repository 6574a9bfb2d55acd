#include <fmt/format.h>

#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/rl/algorithms.h"
#include "rl/algorithms/algorithm_table.h"
#include "rl/behaviour/gaussian_units.h"

namespace genkidama {
namespace {

bool is_one_choice(const ActionSpace& space) {
  return space.choices.size() == 1 && space.low.empty();
}

struct Row {
  const char* name;
  std::unique_ptr<Algorithm> (*make)(const Hyperparameters&);
  bool (*takes)(const ActionSpace&);
};

constexpr bool takes_any(const ActionSpace&) {
  return true;
}

constexpr Row kAlgorithms[] = {{"a3c", a3c, takes_any},           {"dqn", dqn, is_one_choice},
                               {"dyna_q", dyna_q, is_one_choice}, {"ppo", ppo, takes_any},
                               {"qr_dqn", qr_dqn, is_one_choice}, {"sac", sac, is_bounded_box},
                               {"td3", td3, is_bounded_box}};

/// "a", "a or b", "a, b or c".
std::string alternatives_text(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

}  // namespace

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names;
  for (const Row& row : kAlgorithms) names.emplace_back(row.name);
  return names;
}

std::string fitting_algorithms(const ActionSpace& space) {
  std::vector<std::string> names;
  for (const Row& row : kAlgorithms) {
    if (row.takes(space)) names.emplace_back(row.name);
  }
  return alternatives_text(names);
}

std::string algorithms_with_memory() {
  std::vector<std::string> names;
  for (const Row& row : kAlgorithms) {
    if (row.make({})->takes_memory()) names.emplace_back(row.name);
  }
  return alternatives_text(names);
}

std::unique_ptr<Algorithm> make_algorithm(const Hyperparameters& hyperparameters) {
  for (const Row& row : kAlgorithms) {
    if (hyperparameters.algorithm == row.name) return row.make(hyperparameters);
  }
  throw ArgumentError(fmt::format("algorithm '{}' is unknown; expected {}, or an algorithm of your own",
                                  hyperparameters.algorithm, alternatives_text(algorithm_names())));
}

}  // namespace genkidama
