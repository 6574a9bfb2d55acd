#pragma once

// The memory that control groups leave.

#include <cstdint>
#include <optional>
#include <string>

namespace genkidama {

/// The fewest bytes that may still be taken in the control groups that this process is in, and in their
/// parents; nothing when no group has a limit. What the kernel keeps of files counts as free: it gives that
/// up when memory is asked for. `root` as for smallest_of_cgroups().
std::optional<std::uint64_t> cgroup_memory_left(const std::string& root);

}  // namespace genkidama
