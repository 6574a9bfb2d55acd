#include "python/spaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "genkidama/core/error.h"
#include "python/arrays.h"

namespace genkidama::python {
namespace {

py::object space_class(const char* name) {
  return py::module_::import("genkidama.spaces").attr(name);
}

py::list list_of(const auto& values) {
  py::list list;
  for (const auto value : values) list.append(value);
  return list;
}

}  // namespace

py::object observation_space(std::span<const int> shape) {
  py::tuple sizes(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) sizes[i] = shape[i];
  return space_class("Box")(-HUGE_VAL, HUGE_VAL, sizes);
}

py::object action_space(const ActionSpace& space) {
  if (space.is_one_choice()) return space_class("Discrete")(space.choices[0]);
  if (space.low.empty()) return space_class("MultiDiscrete")(list_of(space.choices));
  if (!space.choices.empty())
    return space_class("Hybrid")(list_of(space.choices), list_of(space.low), list_of(space.high));
  return space_class("Box")(list_of(space.low), list_of(space.high));
}

ActionForm::ActionForm(ActionSpace space)
    : space_(std::move(space)), is_one_choice_(space_.is_one_choice()), action_(space_.width()) {}

py::object ActionForm::one(Action action) const {
  if (is_one_choice_) return py::int_(static_cast<int>(action[0]));
  if (!space_.low.empty()) return copied(action, std::span(std::initializer_list<py::ssize_t>{width()}));
  py::array_t<std::int64_t> array(width());
  std::copy(action.begin(), action.end(), array.mutable_data());
  return array;
}

py::object ActionForm::batch(std::span<const float> actions, std::size_t count) const {
  std::vector<py::ssize_t> shape{static_cast<py::ssize_t>(count)};
  if (!is_one_choice_) shape.push_back(width());
  if (!space_.low.empty()) return copied(actions, shape);
  py::array_t<std::int64_t> array(shape);
  std::copy(actions.begin(), actions.end(), array.mutable_data());
  return array;
}

Action ActionForm::read(py::handle action) {
  if (is_one_choice_ && PyLong_CheckExact(action.ptr())) {
    // What does not fit is no action, and is refused as such.
    const long choice = PyLong_AsLong(action.ptr());
    if (choice == -1 && PyErr_Occurred()) PyErr_Clear();
    action_[0] = static_cast<float>(choice);
    return action_;
  }
  const Floats floats = floats_of("the action", action);
  if (static_cast<std::size_t>(floats.size()) != action_.size()) {
    throw ArgumentError(fmt::format("the action has {} numbers; expected {}: {}", floats.size(),
                                    action_.size(), action_space_text(space_)));
  }
  std::copy_n(floats.data(), action_.size(), action_.begin());
  return action_;
}

}  // namespace genkidama::python
