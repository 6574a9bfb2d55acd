#pragma once

// The processor time that control groups allow.

#include <filesystem>
#include <optional>

namespace genkidama {

/// The smallest quota, in cores, of the control groups that this process is in and of their parents; nothing
/// when no group has one. `root` is where /proc and /sys are found: "/", or a directory with made files in a
/// test.
std::optional<double> cgroup_quota(const std::filesystem::path& root);

/// The smaller of `allowed` cores and the quota below `root`, rounded down; at least 1.
int cores_within_quota(int allowed, const std::filesystem::path& root);

}  // namespace genkidama
