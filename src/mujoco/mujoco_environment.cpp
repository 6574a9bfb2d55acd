#include "genkidama/mujoco/mujoco_environment.h"

#include <fmt/format.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "core/rate_limit.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/log.h"
#include "mujoco/mujoco_errors.h"
#include "mujoco/mujoco_model.h"

namespace genkidama {
namespace {

constexpr double kWarningsPerSecond = 0.2;
constexpr double kWarningsAtOnce = 10;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

void check(const MujocoOptions& options) {
  const auto check_above_0 = [](const char* field, int value) {
    if (value >= 1) return;
    throw ArgumentError(fmt::format("MujocoOptions::{} is {}, expected at least 1", field, value));
  };
  check_above_0("frame_skip", options.frame_skip);
  check_above_0("time_limit", options.time_limit);
  check_above_0("max_unstable_episodes_in_a_row", options.max_unstable_episodes_in_a_row);
  const auto check_noise = [](const char* field, double value) {
    if (is_finite(value) && value >= 0) return;
    throw ArgumentError(
        fmt::format("MujocoOptions::{} is {}, expected a finite number of at least 0", field, value));
  };
  check_noise("qpos_noise", options.qpos_noise);
  check_noise("qvel_noise", options.qvel_noise);
  if (!options.reward) {
    throw ArgumentError("MujocoOptions::reward is empty; expected a function of the state after a step");
  }
  if (options.observe ? options.observation_size < 1 : options.observation_size != 0) {
    throw ArgumentError(fmt::format("MujocoOptions::observation_size is {} {} observe; {}",
                                    options.observation_size, options.observe ? "with" : "without",
                                    options.observe ? "expected the number of floats that it writes"
                                                    : "expected both of them, or neither"));
  }
  if (options.observe && !options.hidden_qpos.empty()) {
    throw ArgumentError(
        "MujocoOptions::hidden_qpos is given with observe, which decides what an observation is; give one of "
        "them");
  }
  if (static_cast<bool>(options.measure) == options.metrics.empty()) {
    throw ArgumentError(
        fmt::format("MujocoOptions::{} is given without {}; expected both of them, or neither",
                    options.measure ? "measure" : "metrics", options.measure ? "metrics" : "measure"));
  }
}

int find_keyframe(const mjModel& model, const std::string& name) {
  return name.empty() ? -1 : mujoco_id(model, mjOBJ_KEY, model.nkey, "keyframe", name);
}

// Which of qpos an observation shows.
std::vector<int> shown_qpos(const mjModel& model, const std::vector<int>& hidden) {
  const std::set<int> left_out(hidden.begin(), hidden.end());
  for (const int index : hidden) {
    if (index >= 0 && index < model.nq) continue;
    throw ArgumentError(fmt::format("MujocoOptions::hidden_qpos has {}, but the model has {} numbers in qpos",
                                    index, model.nq));
  }
  std::vector<int> shown;
  for (int i = 0; i < model.nq; ++i) {
    if (left_out.count(i) == 0) shown.push_back(i);
  }
  return shown;
}

ActionSpace control_ranges(const mjModel& model) {
  ActionSpace space;
  for (int i = 0; i < model.nu; ++i) {
    const bool is_limited = model.actuator_ctrllimited[i] != 0;
    space.low.push_back(is_limited ? static_cast<float>(model.actuator_ctrlrange[2 * i]) : -kInfinity);
    space.high.push_back(is_limited ? static_cast<float>(model.actuator_ctrlrange[2 * i + 1]) : kInfinity);
  }
  return space;
}

bool is_good(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(),
                     [](double value) { return is_finite(value) && std::abs(value) <= mjMAXVAL; });
}

}  // namespace

class MujocoEnvironment::Impl {
 public:
  explicit Impl(MujocoOptions options) : options_(std::move(options)) {
    check(options_);
    set_mujoco_handlers();
    model_ = load_mujoco_model(options_);
    spec_.name = options_.name.empty() ? mujoco_model_name(*model_, options_.file) : options_.name;
    if (model_->nu == 0) {
      throw ArgumentError(fmt::format(
          "{}: the MuJoCo model has no actuator, so there is nothing to act with; add <actuator> to it",
          spec_.name));
    }
    try {
      keyframe_ = find_keyframe(*model_, options_.keyframe);
      shown_ = shown_qpos(*model_, options_.hidden_qpos);
    } catch (const ArgumentError& error) {
      throw ArgumentError(fmt::format("{}: {}", spec_.name, error.what()));
    }
    describe();
    data_.reset(call([&] { return mj_makeData(model_.get()); }));
    if (!data_) throw Error(fmt::format("{}: MuJoCo could not make the model's state", spec_.name));
    step_seconds_ = options_.frame_skip * model_->opt.timestep;
    observation_.resize(static_cast<std::size_t>(spec_.observation_size));
    metrics_.resize(spec_.metrics.size());
    qpos_before_.resize(static_cast<std::size_t>(model_->nq));
    place_at_start();
  }

  const EnvironmentSpec& spec() const { return spec_; }

  MujocoState state() const { return {*model_, *data_, qpos_before_, step_seconds_}; }

  Observation reset(std::uint64_t seed) {
    is_playing_ = false;
    Random random(seed);
    place_at_start();
    add_noise(qpos(), options_.qpos_noise, random);
    add_noise(qvel(), options_.qvel_noise, random);
    if (options_.start) {
      options_.start(
          {qpos(), qvel(), {data_->mocap_pos, static_cast<std::size_t>(3 * model_->nmocap)}, random});
    }
    if (!is_good(qpos()) || !is_good(qvel())) {
      throw ArgumentError(
          fmt::format("{}: MujocoOptions::start set a number in qpos or qvel that is not finite or beyond {}",
                      spec_.name, mjMAXVAL));
    }
    call([&] {
      mj_normalizeQuat(model_.get(), data_->qpos);
      mj_forward(model_.get(), data_.get());
    });
    remember_qpos();
    steps_ = 0;
    observe();
    measure();
    is_playing_ = true;
    return observation_;
  }

  StepResult step(Action action) {
    if (!is_playing_) throw ArgumentError(fmt::format("{}: step() called outside an episode", spec_.name));
    check_action(spec_.name + ": step()", spec_.action_space, action);
    is_playing_ = false;  // until the step has succeeded
    std::copy(action.begin(), action.end(), data_->ctrl);
    remember_qpos();
    ++steps_;
    const bool is_stable = advance();
    pass_warnings_on();
    if (!is_stable) return end_unstable();
    refresh();
    observe();
    measure();
    StepResult result;
    result.observation = observation_;
    result.reward = reward();
    result.metrics = metrics_;
    result.terminated = options_.terminated && options_.terminated(state());
    result.truncated = steps_ >= spec_.time_limit && !result.terminated;
    is_playing_ = !result.terminated && !result.truncated;
    if (!is_playing_) unstable_in_a_row_ = 0;
    return result;
  }

 private:
  std::span<double> qpos() { return {data_->qpos, static_cast<std::size_t>(model_->nq)}; }
  std::span<double> qvel() { return {data_->qvel, static_cast<std::size_t>(model_->nv)}; }

  // Calls MuJoCo. Its errors get the environment's name.
  template <typename Function>
  auto call(Function function) const -> decltype(function()) {
    const QuietMujoco quiet;
    try {
      return function();
    } catch (const Error& error) {
      throw Error(fmt::format("{}: {}", spec_.name, error.what()));
    }
  }

  void describe() {
    spec_.observation_size =
        options_.observe ? options_.observation_size : static_cast<int>(shown_.size()) + model_->nv;
    spec_.action_space = control_ranges(*model_);
    spec_.time_limit = options_.time_limit;
    spec_.metrics = options_.metrics;
    spec_ = completed(spec_);
  }

  void place_at_start() {
    call([&] {
      mj_resetData(model_.get(), data_.get());
      if (keyframe_ >= 0) mj_resetDataKeyframe(model_.get(), data_.get(), keyframe_);
      data_->time = 0;
      std::fill_n(data_->ctrl, model_->nu, 0.0);
      mj_forward(model_.get(), data_.get());
    });
    remember_qpos();
  }

  static void add_noise(std::span<double> values, double most, Random& random) {
    if (most == 0) return;
    for (double& value : values) value += random.uniform(-most, most);
  }

  void remember_qpos() { std::copy_n(data_->qpos, qpos_before_.size(), qpos_before_.begin()); }

  // Whether the state is still one. MuJoCo starts over from the model's initial state when it is not.
  bool advance() {
    call([&] {
      for (int i = 0; i < options_.frame_skip && !has_lost_state(); ++i) mj_step(model_.get(), data_.get());
    });
    return !has_lost_state() && is_good(qpos()) && is_good(qvel());
  }

  bool has_lost_state() const {
    const auto count = [&](mjtWarning kind) { return data_->warning[kind].number; };
    return count(mjWARN_BADQPOS) + count(mjWARN_BADQVEL) + count(mjWARN_BADQACC) > 0;
  }

  // After a step of MuJoCo, what depends on the positions is still that of the positions before it.
  void refresh() {
    call([&] {
      if (model_->nsensor > 0) {
        mj_forward(model_.get(), data_.get());
      } else {
        mj_kinematics(model_.get(), data_.get());
        mj_comPos(model_.get(), data_.get());
      }
    });
  }

  void pass_warnings_on() {
    for (const mjtWarning kind : {mjWARN_INERTIA, mjWARN_CONTACTFULL, mjWARN_CNSTRFULL, mjWARN_BADCTRL}) {
      if (data_->warning[kind].number == 0 || was_told_[kind]) continue;
      was_told_[kind] = true;
      log(LogLevel::kWarning, "environment '{}': MuJoCo: {}; the physics is not exact", spec_.name,
          in_one_line(mju_warningText(kind, data_->warning[kind].lastinfo)));
    }
  }

  StepResult end_unstable() {
    std::string what = "a number in qpos or qvel is not finite or too large";
    for (const mjtWarning kind : {mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC}) {
      const mjWarningStat& warning = data_->warning[kind];
      if (warning.number > 0) what = in_one_line(mju_warningText(kind, warning.lastinfo));
    }
    ++unstable_;
    if (++unstable_in_a_row_ >= options_.max_unstable_episodes_in_a_row) {
      throw Error(
          fmt::format("{}: the simulation became unstable in {} episodes in a row, at last in step {}: {}; "
                      "make the model's timestep smaller, or its forces",
                      spec_.name, unstable_in_a_row_, steps_, what));
    }
    if (warnings_.allow(Clock::now())) {
      log(LogLevel::kWarning,
          "environment '{}': the simulation became unstable in step {} (so far {} times): {}", spec_.name,
          steps_, unstable_, what);
    }
    StepResult result;
    result.observation = observation_;
    result.metrics = metrics_;
    result.truncated = true;
    return result;
  }

  float reward() const {
    const double reward = options_.reward(state());
    const auto rounded = static_cast<float>(reward);
    if (is_finite(rounded)) return rounded;
    throw ArgumentError(fmt::format("{}: MujocoOptions::reward gave {} in step {}, expected a finite number",
                                    spec_.name, reward, steps_));
  }

  void observe() {
    if (options_.observe) {
      options_.observe(state(), observation_);
      return check_written("observe", observation_);
    }
    auto next = observation_.begin();
    for (const int index : shown_) *next++ = static_cast<float>(data_->qpos[index]);
    std::transform(data_->qvel, data_->qvel + model_->nv, next,
                   [](double value) { return static_cast<float>(value); });
  }

  void measure() {
    if (!options_.measure) return;
    options_.measure(state(), metrics_);
    check_written("measure", metrics_);
  }

  void check_written(const char* function, std::span<const float> values) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (is_finite(values[i])) continue;
      throw ArgumentError(
          fmt::format("{}: MujocoOptions::{} wrote {} at index {} in step {}, expected a finite number",
                      spec_.name, function, values[i], i, steps_));
    }
  }

  MujocoOptions options_;
  MujocoModelPointer model_;
  MujocoDataPointer data_;
  EnvironmentSpec spec_;
  int keyframe_ = -1;
  std::vector<int> shown_;  ///< indices of qpos in an observation
  double step_seconds_ = 0;
  std::vector<double> qpos_before_;
  std::vector<float> observation_;
  std::vector<float> metrics_;
  int steps_ = 0;
  bool is_playing_ = false;
  std::array<bool, mjNWARNING> was_told_{};
  std::uint64_t unstable_ = 0;
  int unstable_in_a_row_ = 0;
  RateLimit warnings_{kWarningsPerSecond, kWarningsAtOnce};
};

MujocoEnvironment::MujocoEnvironment(MujocoOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

MujocoEnvironment::~MujocoEnvironment() = default;

const EnvironmentSpec& MujocoEnvironment::spec() const {
  return impl_->spec();
}

Observation MujocoEnvironment::reset(std::uint64_t seed) {
  return impl_->reset(seed);
}

StepResult MujocoEnvironment::step(Action action) {
  return impl_->step(action);
}

MujocoState MujocoEnvironment::state() const {
  return impl_->state();
}

}  // namespace genkidama
