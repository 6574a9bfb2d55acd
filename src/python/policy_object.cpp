#include "python/policy_object.h"

#include <fmt/format.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/error.h"
#include "python/module.h"

namespace genkidama::python {
namespace {

ActionSpace actions_of(const std::string& path, const Policy& policy) {
  if (policy.actions()) return *policy.actions();
  throw ArgumentError(
      fmt::format("'{}' does not say what its actions are chosen from; expected a file of this "
                  "version of Genkidama",
                  path));
}

/// Throws ArgumentError unless the array belongs to as many rows as there are observations.
void check_rows(const char* what, const py::array& array, std::size_t width, std::size_t rows) {
  const auto shape = static_cast<py::ssize_t>(width);
  const std::size_t given = rows_of(what, array, std::span(&shape, 1));
  if (given == rows) return;
  throw ArgumentError(fmt::format("{} has the shape {}, which does not belong to {}", what, shape_of(array),
                                  rows == 0 ? "one observation" : fmt::format("{} observations", rows)));
}

}  // namespace

PolicyObject::PolicyObject(const std::string& path, std::uint64_t seed)
    : policy_(load_policy(path, {.seed = seed})),
      form_(actions_of(path, policy_)),
      observation_space_(python::observation_space(policy_.sizes().observation)),
      action_space_(python::action_space(form_.space())),
      observation_shape_(policy_.sizes().observation.begin(), policy_.sizes().observation.end()),
      observation_size_(static_cast<std::size_t>(policy_.sizes().observation_size())),
      state_size_(policy_.state().size()) {}

std::optional<Bytes> PolicyObject::masks_of(const py::object& given, std::size_t rows) const {
  if (given.is_none()) return {};
  std::optional<Bytes> masks = bytes_of("the action_mask", given);
  check_rows("the action_mask", *masks, form_.space().alternatives(), rows);
  return masks;
}

std::optional<Floats> PolicyObject::states_of(const py::object& given, std::size_t rows) const {
  if (given.is_none()) return {};
  if (state_size_ == 0) throw ArgumentError("a state was given; expected None: this policy has no memory");
  std::optional<Floats> states = floats_of("the state", given);
  check_rows("the state", *states, state_size_, rows);
  return states;
}

Action PolicyObject::act(std::size_t row, const Floats& observations, const std::optional<Bytes>& masks,
                         const std::optional<Floats>& states, Acting acting) {
  if (state_size_ > 0) {
    const std::span<float> state = policy_.state();
    if (states) {
      std::copy_n(states->data() + row * state_size_, state_size_, state.begin());
    } else {
      std::fill(state.begin(), state.end(), 0.0f);
    }
  }
  const std::size_t alternatives = form_.space().alternatives();
  const ActionMask mask = masks ? ActionMask(masks->data() + row * alternatives, alternatives) : ActionMask();
  return policy_.act(values(observations).subspan(row * observation_size_, observation_size_), mask, acting);
}

py::tuple PolicyObject::predict(const py::object& observation, const py::object& state, bool deterministic,
                                const py::object& action_mask) {
  const Floats observations = floats_of("the observation", observation);
  const std::size_t rows = rows_of("the observation", observations, observation_shape_);
  const std::optional<Bytes> masks = masks_of(action_mask, rows);
  const std::optional<Floats> states = states_of(state, rows);
  const Acting acting = deterministic ? Acting::kGreedy : Acting::kSampling;
  const auto state_width = static_cast<py::ssize_t>(state_size_);
  if (rows == 0) {
    py::object action = form_.one(act(0, observations, masks, states, acting));
    if (state_size_ == 0) return py::make_tuple(std::move(action), py::none());
    return py::make_tuple(std::move(action), copied(policy_.state(), std::span(&state_width, 1)));
  }
  py::object next = py::none();
  float* next_states = nullptr;
  if (state_size_ > 0) {
    py::array_t<float> array({static_cast<py::ssize_t>(rows), state_width});
    next_states = array.mutable_data();
    next = std::move(array);
  }
  const std::size_t width = form_.space().width();
  batch_.resize(rows * width);
  for (std::size_t row = 0; row < rows; ++row) {
    const Action action = act(row, observations, masks, states, acting);
    std::copy(action.begin(), action.end(), batch_.begin() + static_cast<std::ptrdiff_t>(row * width));
    if (next_states != nullptr)
      std::copy_n(policy_.state().data(), state_size_, next_states + row * state_size_);
  }
  return py::make_tuple(form_.batch(batch_, rows), std::move(next));
}

namespace {

constexpr const char* kPredictDoc =
    R"((action, state) of one observation, or of a batch of them with one more dimension in front.

`state` is what the step before has returned, and None where an episode starts; a policy without memory takes and
returns None. `deterministic`: the likeliest action; False: one that is sampled. `action_mask` is the info's. One choice
is an int, several are an int64 array, and numbers are a float32 array; a batch has an array with a row for each
observation. Arrays that are float32 and row-major are read where they lie.)";

constexpr const char* kLoadPolicyDoc =
    R"(Reads final.safetensors, best.safetensors or a checkpoint of a run. Sampled actions follow from `seed`. Raises
IoError, FormatError, LayoutError or ArgumentError, whose texts say what is wrong with the file.)";

std::unique_ptr<PolicyObject> load_policy_of(const py::object& path, std::uint64_t seed) {
  const auto file = py::module_::import("os").attr("fsencode")(path).cast<std::string>();
  return std::make_unique<PolicyObject>(file, seed);
}

std::string text_of(PolicyObject& self) {
  const auto& metadata = self.policy().metadata();
  const auto name = metadata.find("environment");
  return "<genkidama.Policy for '" + (name == metadata.end() ? "unknown" : name->second) + "'>";
}

}  // namespace

void bind_policy(py::module_& module) {
  py::class_<PolicyObject>(module, "Policy",
                           "A trained policy; made by load_policy(). It is used by one thread at a time.")
      .def("predict", &PolicyObject::predict, py::arg("observation"), py::arg("state") = py::none(),
           py::arg("deterministic") = true, py::kw_only(), py::arg("action_mask") = py::none(), kPredictDoc)
      .def_property_readonly("observation_space", &PolicyObject::observation_space,
                             "A Box without bounds, of the observation's shape.")
      .def_property_readonly("action_space", &PolicyObject::action_space, "What predict() chooses from.")
      .def_property_readonly("state_size", &PolicyObject::state_size,
                             "Numbers that a network with memory remembers of an episode; 0: it has none.")
      .def_property_readonly(
          "metadata", [](PolicyObject& self) { return self.policy().metadata(); },
          "What the file says of itself, for instance \"environment\" and \"update\".")
      .def("__repr__", text_of);
  module.def("load_policy", load_policy_of, py::arg("path"), py::kw_only(), py::arg("seed") = 1,
             kLoadPolicyDoc);
}

}  // namespace genkidama::python
