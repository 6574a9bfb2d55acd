#pragma once

// Whether there is the memory that is about to be shared.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace genkidama {

/// What the machine and the control groups of this process have left: the smaller of both. Nothing when
/// neither says.
std::optional<std::uint64_t> available_bytes();

/// Throws IoError when fewer than `bytes` are available. `purpose` names what they are for.
void check_memory(std::size_t bytes, const std::string& purpose);

}  // namespace genkidama
