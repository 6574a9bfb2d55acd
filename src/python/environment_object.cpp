#include "python/environment_object.h"

#include <pybind11/stl.h>

#include <cmath>
#include <random>
#include <string>
#include <utility>

#include "env/time_limit.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/bundled_tasks.h"
#include "genkidama/env/checked_environment.h"
#include "python/arrays.h"
#include "python/module.h"
#include "python/tasks.h"

namespace genkidama::python {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

EnvironmentObject::EnvironmentObject(std::unique_ptr<Environment> environment)
    : environment_(make_checked(std::move(environment))),
      spec_(environment_->spec()),
      actions_(spec_.action_space),
      observation_space_(python::observation_space(spec_.observation_shape)),
      action_space_(python::action_space(spec_.action_space)),
      shape_(spec_.observation_shape.begin(), spec_.observation_shape.end()),
      seed_(random_seed()) {}

const std::shared_ptr<Environment>& EnvironmentObject::environment() const {
  if (!environment_) throw ArgumentError("the environment is closed; make another one");
  return environment_;
}

py::object EnvironmentObject::observed(Observation observation) const {
  return copied(observation, shape_);
}

py::dict EnvironmentObject::info() const {
  py::dict info;
  if (!spec_.masks_actions) return info;
  const ActionMask mask = environment_->action_mask();
  // An empty one allows everything.
  const std::vector<std::uint8_t> all(mask.empty() ? spec_.action_space.alternatives() : 0, 1);
  info["action_mask"] = copied_mask(mask.empty() ? ActionMask(all) : mask);
  return info;
}

py::tuple EnvironmentObject::reset(std::optional<std::uint64_t> seed, const py::object& options) {
  if (!options.is_none() && py::len(options) > 0)
    throw ArgumentError("options were given to reset(); expected none: this environment has none");
  Environment& environment = *this->environment();
  if (seed) {
    seed_ = *seed;
    episode_ = 0;
  }
  const std::uint64_t episode_seed = episode_ == 0 ? seed_ : derive_seed(seed_, {episode_});
  ++episode_;
  const Observation observation = environment.reset(episode_seed);
  return py::make_tuple(observed(observation), info());
}

py::tuple EnvironmentObject::step(py::handle action) {
  const StepResult result = environment()->step(actions_.read(action));
  py::dict info = this->info();
  if (result.lost) info["lost"] = true;
  if (result.terminated || result.truncated) {
    for (std::size_t i = 0; i < result.metrics.size(); ++i)
      info[py::str(spec_.metrics[i])] = result.metrics[i];
  }
  return py::make_tuple(observed(result.observation), result.reward, result.terminated, result.truncated,
                        std::move(info));
}

namespace {

constexpr const char* kEnvironmentDoc =
    R"(A task of the library, with Gymnasium's interface; made by make(). It is used by one thread at a time.

Arrays that it returns belong to the caller: they stay as they are when the environment goes on.)";

constexpr const char* kResetDoc =
    R"((observation, info). Everything random in the episode follows from `seed`; without one, from the last seed that
was given and the number of the episodes since, or from the system's random numbers.)";

constexpr const char* kStepDoc =
    R"((observation, reward, terminated, truncated, info). Raises ArgumentError for an action that is not in the action
space or masked, and when no episode runs.)";

constexpr const char* kMakeDoc =
    R"(An environment of a task as the program genkidama knows it: a bundled task, ./my_env.so, process:./PROGRAM,
gymnasium:ID or python:MODULE:CLASS. `options` are those of `genkidama check`, such as step_timeout.)";

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const BundledTask& task : bundled_tasks()) names.push_back(task.name);
  return names;
}

std::optional<int> time_limit(const EnvironmentObject& self) {
  if (self.spec().time_limit == kNoTimeLimit) return {};
  return self.spec().time_limit;
}

std::optional<double> reward_threshold(const EnvironmentObject& self) {
  if (std::isnan(self.spec().reward_threshold)) return {};
  return self.spec().reward_threshold;
}

}  // namespace

void bind_environment(py::module_& module) {
  module.def("tasks", task_names, "The names of the bundled tasks.");
  module.def(
      "make",
      [](const std::string& task, const py::kwargs& options) {
        return std::make_unique<EnvironmentObject>(make_task(task, options));
      },
      py::arg("task"), kMakeDoc);
  using Self = const EnvironmentObject&;
  py::class_<EnvironmentObject>(module, "Environment", kEnvironmentDoc)
      .def("reset", &EnvironmentObject::reset, py::kw_only(), py::arg("seed") = py::none(),
           py::arg("options") = py::none(), kResetDoc)
      .def("step", &EnvironmentObject::step, py::arg("action"), kStepDoc)
      .def("close", &EnvironmentObject::close, "Ends it, and the process that plays it if there is one.")
      .def_property_readonly("observation_space", &EnvironmentObject::observation_space,
                             "A Box without bounds, of the observation's shape.")
      .def_property_readonly("action_space", &EnvironmentObject::action_space, "What step() takes.")
      .def_property_readonly(
          "name", [](Self self) { return self.spec().name; }, "The environment's own name.")
      .def_property_readonly("time_limit", time_limit,
                             "Steps after which an episode is truncated; None: there is no limit.")
      .def_property_readonly("reward_threshold", reward_threshold,
                             "Mean return at which the task counts as solved, where there is such a figure.")
      .def_property_readonly(
          "metrics", [](Self self) { return self.spec().metrics; },
          "Names that the info of an episode's last step has values for.")
      .def_property_readonly(
          "masks_actions", [](Self self) { return self.spec().masks_actions; },
          "Whether every info has an \"action_mask\": int8, an entry for each alternative of "
          "each choice.")
      .def("__repr__", [](Self self) { return "<genkidama.Environment '" + self.spec().name + "'>"; });
}

}  // namespace genkidama::python
