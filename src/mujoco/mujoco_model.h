#pragma once

// A compiled model, and its names.

#include <mujoco/mujoco.h>

#include <memory>
#include <string>

#include "genkidama/mujoco/mujoco_environment.h"

namespace genkidama {

/// Deletes what MuJoCo has allocated.
struct MujocoDeleter {
  void operator()(mjModel* model) const { mj_deleteModel(model); }
  void operator()(mjData* data) const { mj_deleteData(data); }
};

using MujocoModelPointer = std::unique_ptr<mjModel, MujocoDeleter>;
using MujocoDataPointer = std::unique_ptr<mjData, MujocoDeleter>;

/// Compiles MujocoOptions::file or MujocoOptions::xml. Throws ArgumentError.
MujocoModelPointer load_mujoco_model(const MujocoOptions& options);

/// The model's own name; for one without a name that of its file, or "MuJoCo".
std::string mujoco_model_name(const mjModel& model, const std::string& file);

/// The number of what is called `name`; `kind` is "joint", say, and `type` MuJoCo's number for it. Throws
/// ArgumentError that lists the names when there is none.
int mujoco_id(const mjModel& model, mjtObj type, int count, const char* kind, const std::string& name);

}  // namespace genkidama
