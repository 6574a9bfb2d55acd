#pragma once

// What the file of demonstrations and their hash have in common.

#include <string>

#include "genkidama/params/safetensors.h"
#include "genkidama/rl/demonstrations.h"

namespace genkidama {

/// The tensors and the metadata of the file, without its checksum.
Checkpoint checkpoint_of(const Demonstrations& demonstrations);

/// The space with all its numbers: "choices [4]", "choices [3, 2] and components [-1 to 1]".
std::string action_space_words(const ActionSpace& space);

}  // namespace genkidama
