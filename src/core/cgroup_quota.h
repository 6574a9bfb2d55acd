#pragma once

// The processor time that control groups allow.

#include <optional>
#include <string>

namespace genkidama {

/// The smallest quota, in cores, of the control groups that this process is in and of their parents; nothing
/// when no group has one. `root` is where /proc and /sys are found: "", or a directory with made files in a
/// test.
std::optional<double> cgroup_quota(const std::string& root);

/// The smaller of `allowed` cores and the quota below `root`, rounded down; at least 1.
int cores_within_quota(int allowed, const std::string& root);

}  // namespace genkidama
