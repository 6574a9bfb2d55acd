#include "ipc/check_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "core/cgroup_memory.h"
#include "genkidama/core/error.h"

namespace genkidama {

namespace {

/// MemAvailable of /proc/meminfo, or nothing where there is none.
std::optional<std::uint64_t> available_in_machine() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key, unit;
  std::uint64_t kibibytes = 0;
  while (meminfo >> key >> kibibytes) {
    if (key == "MemAvailable:") return kibibytes * 1024;
    std::getline(meminfo, unit);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> available_bytes() {
  const auto in_machine = available_in_machine(), in_groups = cgroup_memory_left("");
  if (!in_machine || !in_groups) return in_machine ? in_machine : in_groups;
  return std::min(*in_machine, *in_groups);
}

void check_memory(std::size_t bytes, const std::string& purpose) {
  const auto available = available_bytes();
  if (!available || bytes <= *available) return;
  throw IoError(fmt::format(
      "cannot share {} bytes of memory for {}: the machine has {} bytes available for this process; "
      "expected fewer steps or fewer workers, or free some memory",
      bytes, purpose, *available));
}

}  // namespace genkidama
