#include "ipc/check_memory.h"

#include <fmt/format.h>

#include <fstream>

#include "genkidama/core/error.h"

namespace genkidama {

std::optional<std::uint64_t> available_bytes() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key, unit;
  std::uint64_t kibibytes = 0;
  while (meminfo >> key >> kibibytes) {
    if (key == "MemAvailable:") return kibibytes * 1024;
    std::getline(meminfo, unit);
  }
  return std::nullopt;
}

void check_memory(std::size_t bytes, const std::string& purpose) {
  const auto available = available_bytes();
  if (!available || bytes <= *available) return;
  throw IoError(
      fmt::format("{} takes {} bytes of memory, and the machine has {} available; expected fewer steps or "
                  "fewer workers, or free some memory",
                  purpose, bytes, *available));
}

}  // namespace genkidama
