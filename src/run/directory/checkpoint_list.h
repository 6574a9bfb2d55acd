#pragma once

/// @file
/// Which checkpoints somebody means by a file or a directory.

#include <filesystem>
#include <string>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// A file stands for itself. A directory stands for its safetensors files, those of its checkpoints/ first,
/// in the order of their numbers, final.safetensors last; state.safetensors is none, nor is a checkpoint of
/// the same update as final.safetensors, since it holds the same weights. Throws ArgumentError that starts
/// with the path when it does not exist, a directory without any, and a file named twice.
std::vector<std::filesystem::path> checkpoints_of(const std::vector<std::string>& paths);

/// Whether it is named as a run's last weights.
bool is_final(const std::filesystem::path& checkpoint);

}  // namespace run
}  // namespace genkidama
