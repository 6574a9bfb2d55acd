#include "python/evaluation.h"

#include <fmt/format.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/checked_environment.h"
#include "python/environment_object.h"
#include "python/module.h"
#include "python/policy_object.h"
#include "python/python_environment.h"
#include "python/tasks.h"
#include "rl/evaluation_seeds.h"
#include "rl/worker.h"

namespace genkidama::python {
namespace {

// Steps between two looks at signals, and between two chances for other threads.
constexpr int kStepsBetweenLooks = 4096;

/// What the name, the object or the class stands for.
std::shared_ptr<Environment> environment_of(const py::object& given) {
  if (py::isinstance<EnvironmentObject>(given)) return given.cast<EnvironmentObject&>().environment();
  if (py::isinstance<py::str>(given)) return make_checked(make_task(given.cast<std::string>(), py::dict()));
  return make_checked(play_object(py::module_::import("genkidama._objects").attr("environment_of")(given)));
}

void check_fits(PolicyObject& policy, const EnvironmentSpec& spec) {
  if (policy.policy().sizes().observation == spec.observation_shape && policy.actions() == spec.action_space)
    return;
  throw LayoutError(
      fmt::format("the policy is not for environment '{}': it takes observations of {} floats and "
                  "gives {}, and the environment has {} floats and {}",
                  spec.name, policy.policy().sizes().observation_size(), action_space_text(policy.actions()),
                  spec.observation_size, action_space_text(spec.action_space)));
}

/// Other threads have their turn, and Ctrl-C its effect.
void look_around() {
  { const py::gil_scoped_release others; }
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

/// The steps and the random numbers are those that a trainer's worker evaluates with. Nothing when the
/// environment failed.
std::optional<EpisodeResult> play(Policy& policy, Environment& environment, std::uint64_t seed,
                                  Acting acting) {
  policy.reset(seed);
  const std::uint32_t longest = longest_training_episode(environment.spec().observation_size);
  EpisodeResult result;
  Observation observation = environment.reset(seed);
  while (true) {
    const StepResult step = environment.step(policy.act(observation, environment.action_mask(), acting));
    if (step.lost) return {};
    ++result.length;
    result.episode_return += step.reward;
    const bool ends = step.terminated || step.truncated;
    if (ends || result.length >= longest) {
      result.truncated = !step.terminated;
      if (ends) result.metrics.assign(step.metrics.begin(), step.metrics.end());
      return result;
    }
    if (result.length % kStepsBetweenLooks == 0) {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
    observation = step.observation;
  }
}

py::dict evaluate(PolicyObject& policy, const py::object& given, int episodes, std::uint64_t seed,
                  bool deterministic) {
  if (episodes < 1)
    throw ArgumentError(fmt::format("episodes is {}; expected a whole number >= 1", episodes));
  const std::shared_ptr<Environment> held = environment_of(given);
  Environment& environment = *held;
  const EnvironmentSpec& spec = environment.spec();
  check_fits(policy, spec);
  const Acting acting = deterministic ? Acting::kGreedy : Acting::kSampling;
  std::vector<EpisodeResult> results;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(episodes); ++i) {
    const auto episode_seed = evaluated_episode_seed(seed, i);
    std::optional<EpisodeResult> result;
    while (!result) {
      look_around();
      result = play(policy.policy(), environment, episode_seed, acting);
    }
    results.push_back(std::move(*result));
  }
  run::EvaluationStatistics statistics = run::statistics_of(results, spec.reward_threshold, spec.metrics);
  statistics.seed = seed;
  statistics.greedy = deterministic;
  return dict_of(statistics);
}

py::tuple pair_of(const run::Interval& interval) {
  return py::make_tuple(interval.low, interval.high);
}

}  // namespace

py::dict dict_of(const run::EvaluationStatistics& statistics) {
  using namespace py::literals;
  py::dict metrics;
  for (const run::MetricStatistics& metric : statistics.metrics) {
    metrics[py::str(metric.name)] =
        py::dict("mean"_a = metric.mean, "standard_error"_a = metric.standard_error,
                 "mean_interval"_a = pair_of(metric.mean_interval));
  }
  return py::dict(
      "episodes"_a = statistics.episodes, "seed"_a = statistics.seed, "deterministic"_a = statistics.greedy,
      "mean"_a = statistics.mean, "standard_deviation"_a = statistics.standard_deviation,
      "standard_error"_a = statistics.standard_error, "mean_interval"_a = pair_of(statistics.mean_interval),
      "q25"_a = statistics.q25, "median"_a = statistics.median, "q75"_a = statistics.q75,
      "min"_a = statistics.min, "max"_a = statistics.max, "mean_length"_a = statistics.mean_length,
      "truncated_share"_a = statistics.truncated_share, "threshold"_a = statistics.threshold,
      "threshold_share"_a = statistics.threshold_share, "metrics"_a = std::move(metrics));
}

constexpr const char* kEvaluateDoc =
    R"(Plays episodes and returns their statistics as a dict. Episode i follows from (seed, i), as it does in
`genkidama evaluate`, whose figures are the same.

`environment` names a task, or is an environment, or a class or a function that makes one. Other threads of Python have
their turn between two episodes, and Ctrl-C ends the evaluation.)";

void bind_evaluation(py::module_& module) {
  module.def("evaluate", &evaluate, py::arg("policy"), py::arg("environment"), py::arg("episodes") = 100,
             py::arg("seed") = 7, py::kw_only(), py::arg("deterministic") = true, kEvaluateDoc);
}

}  // namespace genkidama::python
