#pragma once

/// @file
/// Checkpoints that a trainer is to play.

#include <filesystem>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// Reads a checkpoint of the trainer's network, its tensors in the order of the trainer's layout. Throws
/// IoError and FormatError as read_safetensors() and for the state of a run; and LayoutError that names both
/// when the file holds another network. A checkpoint that fits and comes from an environment of another name
/// earns a warning.
Checkpoint read_policy(const std::filesystem::path& path, const CoreOrchestrator& trainer);

/// Logs a warning when the policy at `path` comes from an environment of another name than `own`. An empty
/// name is unknown.
void warn_of_other_environment(const std::filesystem::path& path, const std::string& recorded,
                               const std::string& own);

}  // namespace run
}  // namespace genkidama
