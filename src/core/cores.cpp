#include "genkidama/core/cores.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <thread>

#include "core/cgroup_quota.h"

namespace genkidama {
namespace {

int cores_of_affinity_mask() {
  // The kernel refuses a mask that is smaller than its own.
  for (std::size_t cores = 1024; cores <= (1u << 20); cores *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(CPU_ALLOC(cores),
                                                                [](cpu_set_t* set) { CPU_FREE(set); });
    if (!mask) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(cores);
    if (::sched_getaffinity(0, bytes, mask.get()) == 0) return CPU_COUNT_S(bytes, mask.get());
    if (errno != EINVAL) break;
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

int usable_cores() {
  return cores_within_quota(std::max(1, cores_of_affinity_mask()), "");
}

}  // namespace genkidama
