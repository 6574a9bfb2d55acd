#include "mujoco/mujoco_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <limits>
#include <mutex>
#include <system_error>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "mujoco/mujoco_errors.h"

namespace genkidama {
namespace {

static_assert(sizeof(mjtNum) == sizeof(double), "MuJoCo must be built for double");

constexpr const char* kTextName = "model.xml";   // of a model that is no file
constexpr const char* kNoName = "MuJoCo Model";  // what MuJoCo calls a model without a name
constexpr std::size_t kListed = 20;              // names that a message lists

void check_source(const MujocoOptions& options) {
  if (options.file.empty() == options.xml.empty()) {
    throw ArgumentError(fmt::format("MujocoOptions: {} of file and xml is given; expected exactly one",
                                    options.file.empty() ? "none" : "each"));
  }
  if (options.file.empty()) return;
  std::error_code error;
  if (std::filesystem::is_regular_file(options.file, error)) return;
  const bool exists = std::filesystem::exists(options.file, error);
  throw ArgumentError(fmt::format("MujocoOptions::file is '{}', {}; expected a model in MJCF", options.file,
                                  exists ? "which is no file" : "which does not exist"));
}

// The files that a model without a file of its own consists of.
std::unique_ptr<mjVFS, void (*)(mjVFS*)> files_with(const std::string& xml) {
  std::unique_ptr<mjVFS, void (*)(mjVFS*)> files(new mjVFS, [](mjVFS* made) {
    mj_deleteVFS(made);
    delete made;
  });
  mj_defaultVFS(files.get());
  if (xml.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      mj_makeEmptyFileVFS(files.get(), kTextName, static_cast<int>(xml.size())) != 0) {
    throw ArgumentError(
        fmt::format("MujocoOptions::xml has {} bytes, which MuJoCo does not take; give a file", xml.size()));
  }
  std::memcpy(files->filedata[mj_findFileVFS(files.get(), kTextName)], xml.data(), xml.size());
  return files;
}

}  // namespace

MujocoModelPointer load_mujoco_model(const MujocoOptions& options) {
  check_source(options);
  std::array<char, 1024> message{};
  const auto length = static_cast<int>(message.size());
  MujocoModelPointer model;
  try {
    static std::mutex one_at_a_time;  // MuJoCo remembers the last model that it read
    const std::lock_guard lock(one_at_a_time);
    if (options.file.empty()) {
      const auto files = files_with(options.xml);
      model.reset(mj_loadXML(kTextName, files.get(), message.data(), length));
    } else {
      model.reset(mj_loadXML(options.file.c_str(), nullptr, message.data(), length));
    }
    mj_freeLastXML();
  } catch (const ArgumentError&) {
    throw;
  } catch (const Error& error) {
    std::strncpy(message.data(), error.what(), message.size() - 1);
  }
  const std::string text = in_one_line(message.data());
  const std::string source =
      options.file.empty() ? "MujocoOptions::xml" : fmt::format("MujocoOptions::file '{}'", options.file);
  if (!model) {
    throw ArgumentError(
        fmt::format("{} is no model that MuJoCo {} can play: {}", source, mj_versionString(), text));
  }
  if (!text.empty()) log(LogLevel::kDebug, "{}: MuJoCo: {}", source, text);
  return model;
}

std::string mujoco_model_name(const mjModel& model, const std::string& file) {
  const std::string name = model.nnames > 0 ? model.names : "";
  if (!name.empty() && name != kNoName) return name;
  const std::string stem = std::filesystem::path(file).stem().string();
  return stem.empty() ? "MuJoCo" : stem;
}

int mujoco_id(const mjModel& model, mjtObj type, int count, const char* kind, const std::string& name) {
  const int id = mj_name2id(&model, type, name.c_str());
  if (id >= 0) return id;
  std::vector<std::string> names;
  for (int i = 0; i < count && names.size() < kListed; ++i) {
    const char* const known = mj_id2name(&model, type, i);
    if (known != nullptr && *known != '\0') names.emplace_back(known);
  }
  const std::string others = names.empty() ? fmt::format("it has no {} with a name", kind)
                                           : fmt::format("expected one of {}", fmt::join(names, ", "));
  throw ArgumentError(fmt::format("the MuJoCo model has no {} '{}'; {}", kind, name, others));
}

}  // namespace genkidama
