#include "core/cgroup_memory.h"

#include <algorithm>
#include <fstream>

#include "core/cgroups.h"

namespace genkidama {
namespace {

/// Nothing where the file is not there, or says "max".
std::optional<double> number_in(const std::string& file) {
  std::ifstream in(file);
  double number = 0;
  if (!(in >> number) || number < 0) return std::nullopt;
  return number;
}

/// The sum of these lines of memory.stat.
double files_in(const std::string& group, const std::string& prefix) {
  std::ifstream in(group + "/memory.stat");
  double sum = 0;
  std::string name;
  for (double bytes = 0; in >> name >> bytes;) {
    if (name == prefix + "inactive_file" || name == prefix + "active_file") sum += bytes;
  }
  return sum;
}

std::optional<double> left(const std::string& group, const char* limit_file, const char* used_file,
                           const std::string& prefix) {
  const auto limit = number_in(group + limit_file), used = number_in(group + used_file);
  if (!limit || !used) return std::nullopt;
  return std::max(*limit - std::max(*used - files_in(group, prefix), 0.0), 0.0);
}

}  // namespace

std::optional<std::uint64_t> cgroup_memory_left(const std::string& root) {
  const auto smallest = smallest_of_cgroups(
      root, "memory",
      [](const std::string& group) { return left(group, "/memory.max", "/memory.current", ""); },
      [](const std::string& group) {
        return left(group, "/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_");
      });
  if (!smallest) return std::nullopt;
  return static_cast<std::uint64_t>(std::min(*smallest, 0x1p62));
}

}  // namespace genkidama
