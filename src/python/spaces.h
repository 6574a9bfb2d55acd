#pragma once

// Action and observation spaces as objects of genkidama/spaces.py, and actions as Python has them.

#include <pybind11/pybind11.h>

#include <cstddef>
#include <span>
#include <vector>

#include "genkidama/env/action_space.h"

namespace genkidama::python {

namespace py = pybind11;

/// A Box without bounds.
py::object observation_space(std::span<const int> shape);
/// A Discrete, a MultiDiscrete, a Box or a Hybrid.
py::object action_space(const ActionSpace& space);

/// Between the floats of an action and what Python has for it: an int for one choice, an int64 array for
/// several, and a float32 array for continuous components, which has the choices first when there are some.
class ActionForm {
 public:
  explicit ActionForm(ActionSpace space);

  py::object one(Action action) const;
  /// `count` actions, one behind the other.
  py::object batch(std::span<const float> actions, std::size_t count) const;
  /// The floats stay valid until the next call. Throws ArgumentError for what is no action of this form;
  /// whether it lies in the space is looked at by whoever plays it.
  Action read(py::handle action);

  const ActionSpace& space() const { return space_; }

 private:
  py::ssize_t width() const { return static_cast<py::ssize_t>(space_.width()); }

  ActionSpace space_;
  bool is_one_choice_;
  std::vector<float> action_;
};

}  // namespace genkidama::python
