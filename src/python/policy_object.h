#pragma once

// A policy as Python sees it.

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/rl/policy.h"
#include "python/arrays.h"
#include "python/spaces.h"

namespace genkidama::python {

class PolicyObject {
 public:
  /// As load_policy(). Throws ArgumentError, too, for a file that does not say what actions are chosen from.
  PolicyObject(const std::string& path, std::uint64_t seed);

  /// (action, state), of one observation or of a batch.
  py::tuple predict(const py::object& observation, const py::object& state, bool deterministic,
                    const py::object& action_mask);

  Policy& policy() { return policy_; }
  const ActionSpace& actions() const { return form_.space(); }
  /// The same objects each time, so that their seeds last.
  const py::object& observation_space() const { return observation_space_; }
  const py::object& action_space() const { return action_space_; }
  std::size_t state_size() const { return state_size_; }

 private:
  /// Of each of the rows; nothing without masks or states.
  std::optional<Bytes> masks_of(const py::object& given, std::size_t rows) const;
  std::optional<Floats> states_of(const py::object& given, std::size_t rows) const;
  Action act(std::size_t row, const Floats& observations, const std::optional<Bytes>& masks,
             const std::optional<Floats>& states, Acting acting);

  Policy policy_;
  ActionForm form_;
  py::object observation_space_, action_space_;
  std::vector<py::ssize_t> observation_shape_;
  std::size_t observation_size_;
  std::size_t state_size_;
  std::vector<float> batch_;
};

}  // namespace genkidama::python
