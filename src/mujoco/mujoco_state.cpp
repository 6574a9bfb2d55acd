#include <fmt/format.h>
#include <mujoco/mujoco.h>

#include "genkidama/core/error.h"
#include "genkidama/mujoco/mujoco_environment.h"
#include "mujoco/mujoco_model.h"

namespace genkidama {
namespace {

std::span<const double> numbers(const double* begin, int count) {
  return {begin, static_cast<std::size_t>(count)};
}

std::array<double, 3> place(const double* places, int id) {
  const double* const begin = places + 3 * id;
  return {begin[0], begin[1], begin[2]};
}

// A joint with one degree of freedom.
int simple_joint(const mjModel& model, const std::string& name) {
  const int id = mujoco_id(model, mjOBJ_JOINT, model.njnt, "joint", name);
  if (model.jnt_type[id] == mjJNT_HINGE || model.jnt_type[id] == mjJNT_SLIDE) return id;
  throw ArgumentError(
      fmt::format("the joint '{}' has more than one number; expected a hinge or a slide, so use qpos() and "
                  "qvel()",
                  name));
}

}  // namespace

MujocoState::MujocoState(const mjModel_& model, const mjData_& data, std::span<const double> qpos_before,
                         double step_seconds)
    : model_(&model), data_(&data), qpos_before_(qpos_before), step_seconds_(step_seconds) {}

double MujocoState::time() const {
  return data_->time;
}

std::span<const double> MujocoState::qpos() const {
  return numbers(data_->qpos, model_->nq);
}

std::span<const double> MujocoState::qvel() const {
  return numbers(data_->qvel, model_->nv);
}

std::span<const double> MujocoState::ctrl() const {
  return numbers(data_->ctrl, model_->nu);
}

double MujocoState::joint_position(const std::string& name) const {
  return data_->qpos[model_->jnt_qposadr[simple_joint(*model_, name)]];
}

double MujocoState::joint_velocity(const std::string& name) const {
  return data_->qvel[model_->jnt_dofadr[simple_joint(*model_, name)]];
}

std::array<double, 3> MujocoState::body_position(const std::string& name) const {
  return place(data_->xpos, mujoco_id(*model_, mjOBJ_BODY, model_->nbody, "body", name));
}

std::array<double, 3> MujocoState::site_position(const std::string& name) const {
  return place(data_->site_xpos, mujoco_id(*model_, mjOBJ_SITE, model_->nsite, "site", name));
}

std::span<const double> MujocoState::sensor(const std::string& name) const {
  const int id = mujoco_id(*model_, mjOBJ_SENSOR, model_->nsensor, "sensor", name);
  return numbers(data_->sensordata + model_->sensor_adr[id], model_->sensor_dim[id]);
}

}  // namespace genkidama
