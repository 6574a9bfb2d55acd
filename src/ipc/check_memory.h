#pragma once

// Whether the machine has the memory that is about to be shared.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace genkidama {

/// MemAvailable of /proc/meminfo, or nothing where there is none.
std::optional<std::uint64_t> available_bytes();

/// Throws IoError when the machine has less than `bytes` available. `purpose` names what they are for.
void check_memory(std::size_t bytes, const std::string& purpose);

}  // namespace genkidama
