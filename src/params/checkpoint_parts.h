#pragma once

/// @file
/// A checkpoint whose floats lie in several places, to be written without a copy of them.

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "genkidama/params/parameter_layout.h"

namespace genkidama {

/// What a Checkpoint holds, elsewhere. All of it must stay as long as it is used.
struct CheckpointParts {
  const ParameterLayout& layout;
  std::span<const std::span<const float>> weights;  ///< one after the other, layout.size() elements in all
  const std::map<std::string, std::string>& metadata;
};

/// Writes the file that the function of this name writes for a Checkpoint. Throws as it does.
void write_safetensors_keeping_previous(const std::filesystem::path& path,
                                        const std::filesystem::path& previous,
                                        const CheckpointParts& checkpoint);

/// Returns what the function of this name returns for a Checkpoint.
std::uint64_t checksum_of(const CheckpointParts& checkpoint);

}  // namespace genkidama
