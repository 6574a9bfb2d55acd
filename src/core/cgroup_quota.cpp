#include "core/cgroup_quota.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace genkidama {
namespace {

// Paths are plain strings: libstdc++'s path crashes when it finds no memory while it is put together.

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

template <typename QuotaOf>
void take_smallest(std::optional<double>& smallest, const std::string& mount, const std::string& group,
                   const QuotaOf& quota_of) {
  // In a container the group's path may be as the host sees it, and the mount holds the container's own
  // group; a path with ".." lies outside the mount. The walk ends at the mount either way.
  std::string relative = group.find("..") == std::string::npos ? group : std::string();
  while (true) {
    while (!relative.empty() && relative.back() == '/') relative.pop_back();
    const auto quota = quota_of(mount + relative);
    if (quota && (!smallest || *quota < *smallest)) smallest = quota;
    if (relative.empty()) return;
    const std::size_t last = relative.rfind('/');
    relative.erase(last == std::string::npos ? 0 : last);
  }
}

bool names_cpu(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

}  // namespace

std::optional<double> cgroup_quota(const std::string& root) {
  const std::string mounts = root + "/sys/fs/cgroup";
  std::optional<double> smallest;
  std::ifstream groups(root + "/proc/self/cgroup");
  // Each line is ID:CONTROLLERS:PATH; version 2 names no controllers.
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      take_smallest(smallest, mounts, path, quota_of_version_2);
      take_smallest(smallest, mounts + "/unified", path, quota_of_version_2);
    } else if (names_cpu(controllers)) {
      for (const std::string& directory : {std::string("cpu"), controllers}) {
        take_smallest(smallest, mounts + "/" + directory, path, quota_of_version_1);
      }
    }
  }
  return smallest;
}

int cores_within_quota(int allowed, const std::string& root) {
  const auto quota = cgroup_quota(root);
  if (!quota || *quota >= allowed) return std::max(1, allowed);
  return std::max(1, static_cast<int>(*quota));
}

}  // namespace genkidama
