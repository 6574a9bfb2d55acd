#pragma once

// The control groups that this process is in.

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace genkidama {

// Paths are plain strings: libstdc++'s path crashes when it finds no memory while it is put together.

/// The smallest of what `value_of` finds in a group below `mount` and in its parents, and of `smallest`.
template <typename ValueOf>
void take_smallest(std::optional<double>& smallest, const std::string& mount, const std::string& group,
                   const ValueOf& value_of) {
  // In a container the group's path may be as the host sees it, and the mount holds the container's own
  // group; a path with ".." lies outside the mount. The walk ends at the mount either way.
  std::string relative = group.find("..") == std::string::npos ? group : std::string();
  while (true) {
    while (!relative.empty() && relative.back() == '/') relative.pop_back();
    const std::optional<double> value = value_of(mount + relative);
    if (value && (!smallest || *value < *smallest)) smallest = value;
    if (relative.empty()) return;
    const std::size_t last = relative.rfind('/');
    relative.erase(last == std::string::npos ? 0 : last);
  }
}

inline bool names_controller(const std::string& controllers, std::string_view controller) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == controller) return true;
  }
  return false;
}

/// The smallest figure that a controller ("cpu", "memory") has in the control groups that this process is in
/// and in their parents; nothing when none has one. A group's directory is read by `of_version_2` or by
/// `of_version_1`. `root` is where /proc and /sys are found: "", or a directory with made files in a test.
template <typename OfVersion2, typename OfVersion1>
std::optional<double> smallest_of_cgroups(const std::string& root, const std::string& controller,
                                          const OfVersion2& of_version_2, const OfVersion1& of_version_1) {
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
      take_smallest(smallest, mounts, path, of_version_2);
      take_smallest(smallest, mounts + "/unified", path, of_version_2);
    } else if (names_controller(controllers, controller)) {
      for (const std::string& directory : {controller, controllers})
        take_smallest(smallest, mounts + "/" + directory, path, of_version_1);
    }
  }
  return smallest;
}

}  // namespace genkidama
