#pragma once

/// @file
/// Whether a checkpoint is one of a given network, and its tensors in that network's order.

#include <filesystem>

#include "genkidama/params/safetensors.h"

namespace genkidama {

/// Throws LayoutError, naming `path` and the first tensor that differs, when the tensors of `given`, the
/// layout of that file, are not those of `wanted`. Their order does not matter.
void check_same_tensors(const std::filesystem::path& path, const ParameterLayout& wanted,
                        const ParameterLayout& given);

/// Returns `read`, the content of the file at `path`, in the order of `layout`. Throws as
/// check_same_tensors().
Checkpoint in_layout(const std::filesystem::path& path, Checkpoint read, const ParameterLayout& layout);

}  // namespace genkidama
