#include "python/python_environment.h"

#include <fmt/format.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "env/time_limit.h"
#include "genkidama/core/error.h"
#include "python/interpreter_fork.h"

namespace genkidama::python {
namespace {

constexpr std::uint8_t kTerminated = 1;
constexpr std::uint8_t kTruncated = 2;

py::module_ serve_module() {
  return py::module_::import("genkidama_serve");
}

/// What Python says of the exception, in one line: "ValueError: ...".
std::string error_text(const py::error_already_set& error) {
  return py::module_::import("genkidama._objects").attr("error_text")(error.value()).cast<std::string>();
}

/// An environment that cannot be played is an argument that cannot work.
bool is_refusal(const py::error_already_set& error) {
  return error.matches(serve_module().attr("Refused"));
}

EnvironmentSpec spec_of(const py::object& served) {
  EnvironmentSpec spec;
  spec.name = py::str(served.attr("name")).cast<std::string>();
  spec.time_limit = served.attr("time_limit").cast<int>();
  if (spec.time_limit <= 0) spec.time_limit = kNoTimeLimit;
  spec.reward_threshold = served.attr("reward_threshold").cast<double>();
  spec.observation_shape = served.attr("observations").attr("shape").cast<std::vector<int>>();
  const py::object actions = served.attr("actions");
  spec.action_space = {.choices = actions.attr("choices").cast<std::vector<int>>(),
                       .low = actions.attr("low").cast<std::vector<float>>(),
                       .high = actions.attr("high").cast<std::vector<float>>()};
  spec.metrics = served.attr("metrics").cast<std::vector<std::string>>();
  spec.masks_actions = served.attr("masks").cast<bool>();
  return completed(std::move(spec));
}

/// One of the arrays of genkidama_serve, whose memory stays where it is as long as `object` lives.
template <typename T>
std::span<T> memory_of(const py::object& local, const char* name) {
  const py::buffer buffer = local.attr("arrays")[name].attr("all");
  const py::buffer_info info = buffer.request(/*writable=*/true);
  return {static_cast<T*>(info.ptr), static_cast<std::size_t>(info.size)};
}

class PythonEnvironment : public Environment {
 public:
  explicit PythonEnvironment(const py::object& object)
      : local_(serve_module().attr("Local")(object)),
        reset_(local_.attr("reset")),
        step_(local_.attr("step")),
        spec_(spec_of(local_.attr("served"))),
        action_(memory_of<float>(local_, "actions")),
        observation_(memory_of<float>(local_, "observations")),
        reward_(memory_of<float>(local_, "rewards")),
        end_(memory_of<std::uint8_t>(local_, "ends")),
        mask_(memory_of<std::uint8_t>(local_, "masks")),
        metrics_(memory_of<float>(local_, "metrics")) {}

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    steps_ = 0;
    reset_(seed);
    return observation_;
  }

  StepResult step(Action action) override {
    std::copy(action.begin(), action.end(), action_.begin());
    step_();
    StepResult result;
    result.observation = observation_;
    result.reward = reward_[0];
    result.terminated = (end_[0] & kTerminated) != 0;
    result.truncated = (end_[0] & kTruncated) != 0;
    if (++steps_ >= spec_.time_limit && !result.terminated) result.truncated = true;
    result.metrics = metrics_;
    return result;
  }

  ActionMask action_mask() const override { return mask_; }

 private:
  py::object local_, reset_, step_;
  EnvironmentSpec spec_;
  std::span<float> action_, observation_, reward_;
  std::span<std::uint8_t> end_, mask_;
  std::span<float> metrics_;
  int steps_ = 0;
};

/// In a worker's process, which this thread has for itself: the interpreter is its own.
template <typename Body>
auto in_worker(const std::string& name, const Body& body) {
  try {
    return body();
  } catch (py::error_already_set& error) {
    const std::string text = fmt::format("{}: {}", name, error_text(error));
    if (is_refusal(error)) throw ArgumentError(text);
    py::module_::import("genkidama._objects").attr("print_traceback")(error.value());
    throw Error(text);
  }
}

class WorkersEnvironment : public Environment {
 public:
  explicit WorkersEnvironment(const py::object& object) : object_(object), environment_(object) {
    name_ = "environment '" + environment_.spec().name + "'";
  }
  ~WorkersEnvironment() override {
    try {
      py::module_::import("genkidama._objects").attr("close")(object_);
    } catch (const py::error_already_set&) {
      // The worker ends anyway.
    }
  }

  const EnvironmentSpec& spec() const override { return environment_.spec(); }
  Observation reset(std::uint64_t seed) override {
    return in_worker(name_, [&] { return environment_.reset(seed); });
  }
  StepResult step(Action action) override {
    return in_worker(name_, [&] { return environment_.step(action); });
  }
  ActionMask action_mask() const override { return environment_.action_mask(); }

 private:
  py::object object_;
  PythonEnvironment environment_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Environment> play_object(const py::object& object) {
  try {
    return std::make_unique<PythonEnvironment>(object);
  } catch (py::error_already_set& error) {
    if (is_refusal(error)) throw ArgumentError(error_text(error));
    throw;
  }
}

EnvironmentFactory environments_of_workers(const py::object& make) {
  const std::shared_ptr<py::object> held(new py::object(make), [](py::object* object) {
    const py::gil_scoped_acquire lock;
    delete object;
  });
  return [held](const EnvironmentContext& context) -> std::unique_ptr<Environment> {
    wake_forked_interpreter();
    return in_worker("the environments' factory", [&]() -> std::unique_ptr<Environment> {
      return std::make_unique<WorkersEnvironment>(
          serve_module().attr("_make")(*held, context.worker, context.index));
    });
  };
}

}  // namespace genkidama::python
