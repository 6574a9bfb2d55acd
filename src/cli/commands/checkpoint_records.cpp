#include "cli/commands/checkpoint_records.h"

#include <fmt/format.h>

#include <map>

#include "cli/options/command_line.h"
#include "cli/options/own_options.h"
#include "genkidama/core/utf8.h"
#include "genkidama/params/safetensors.h"
#include "run/directory/checkpoint_list.h"
#include "run/state/run_state.h"

namespace genkidama::cli {
namespace {

using Path = std::filesystem::path;

// The network belongs to the preset, so the one the weights were trained with is taken unless the user says.
std::string preset_for(const Job& job, const Checkpoint& checkpoint) {
  const auto recorded = checkpoint.metadata.find("preset");
  if (recorded == checkpoint.metadata.end() || names_option(job.settings.command_line, "preset")) {
    return job.settings.preset;
  }
  const std::string preset = unescape_bytes(recorded->second);
  return job.program.presets.count(preset) > 0 ? preset : job.settings.preset;
}

// The environment is the one that the weights were trained in, unless the user says.
void take_own_options(Job& job, const std::vector<Path>& paths, const Path& path,
                      const Checkpoint& checkpoint) {
  const OptionValues first = job.settings.own;
  const auto recorded = checkpoint.metadata.find("options");
  if (recorded == checkpoint.metadata.end()) return;
  apply_own_options(fmt::format("--checkpoint: {}", path.string()), recorded->second, job.program.options,
                    job.program.table, job.settings);
  if (path == paths.front() || job.settings.own == first) return;
  for (const auto& [name, value] : job.settings.own.all()) {
    if (value == first.all().at(name)) continue;
    throw ArgumentError(fmt::format(
        "--checkpoint: {} and {} were made with different values of --{}; evaluate them one after "
        "the other, or say which value to play with",
        paths.front().string(), path.string(), name));
  }
}

}  // namespace

Path directory_of(const Path& file) {
  return file.has_parent_path() ? file.parent_path() : Path(".");
}

std::vector<Path> checkpoints_named(const std::vector<std::string>& paths) {
  try {
    return run::checkpoints_of(paths);
  } catch (const ArgumentError& error) {
    throw ArgumentError(fmt::format("--checkpoint {}", error.what()));
  }
}

void take_records(Job& job, const std::vector<Path>& paths) {
  std::string preset;
  for (const Path& path : paths) {
    const Checkpoint checkpoint = as_argument([&] { return read_safetensors(path); });
    if (run::is_run_state(checkpoint)) {
      throw ArgumentError(fmt::format(
          "--checkpoint {}: this is the state of a run, which --resume {} goes on from; expected a "
          "policy, such as {}",
          path.string(), directory_of(path).string(), (directory_of(path) / "final.safetensors").string()));
    }
    const std::string own = preset_for(job, checkpoint);
    if (!preset.empty() && own != preset) {
      throw ArgumentError(
          fmt::format("--checkpoint: {} was made with the preset '{}', {} with '{}'; evaluate them one after "
                      "the other, or say which network to take with --preset",
                      paths.front().string(), preset, path.string(), own));
    }
    preset = own;
    take_own_options(job, paths, path, checkpoint);
  }
  job.settings.preset = preset;
  if (!names_option(job.settings.command_line, "greedy"))
    job.settings.run.greedy = job.program.presets.at(preset).greedy;
}

}  // namespace genkidama::cli
