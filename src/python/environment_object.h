#pragma once

// An environment of the library as Python sees it.

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "genkidama/env/environment.h"
#include "python/spaces.h"

namespace genkidama::python {

class EnvironmentObject {
 public:
  explicit EnvironmentObject(std::unique_ptr<Environment> environment);

  /// (observation, info). Without a seed the episode follows from the seed that was given last, or from the
  /// system's random numbers.
  py::tuple reset(std::optional<std::uint64_t> seed, const py::object& options);
  /// (observation, reward, terminated, truncated, info)
  py::tuple step(py::handle action);
  void close() { environment_.reset(); }

  const EnvironmentSpec& spec() const { return spec_; }
  /// The same objects each time, so that their seeds last.
  const py::object& observation_space() const { return observation_space_; }
  const py::object& action_space() const { return action_space_; }
  /// It lives on with whoever has it, though it is closed meanwhile. Throws ArgumentError once it is closed.
  const std::shared_ptr<Environment>& environment() const;

 private:
  py::object observed(Observation observation) const;
  py::dict info() const;

  std::shared_ptr<Environment> environment_;
  EnvironmentSpec spec_;
  ActionForm actions_;
  py::object observation_space_, action_space_;
  std::vector<py::ssize_t> shape_;
  std::uint64_t seed_;
  std::uint64_t episode_ = 0;  ///< since the seed was given
};

}  // namespace genkidama::python
