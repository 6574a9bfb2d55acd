#include "core/cgroup_quota.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "core/cgroups.h"

namespace genkidama {
namespace {

/// cpu.max holds "QUOTA PERIOD" in microseconds, or "max PERIOD".
std::optional<double> quota_of_version_2(const std::string& group) {
  std::ifstream file(group + "/cpu.max");
  double quota = 0, period = 0;
  if (!(file >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

/// A quota of -1 means none.
std::optional<double> quota_of_version_1(const std::string& group) {
  std::ifstream quota_file(group + "/cpu.cfs_quota_us"), period_file(group + "/cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

}  // namespace

std::optional<double> cgroup_quota(const std::string& root) {
  return smallest_of_cgroups(root, "cpu", quota_of_version_2, quota_of_version_1);
}

int cores_within_quota(int allowed, const std::string& root) {
  const auto quota = cgroup_quota(root);
  if (!quota || *quota >= allowed) return std::max(1, allowed);
  return std::max(1, static_cast<int>(*quota));
}

}  // namespace genkidama
