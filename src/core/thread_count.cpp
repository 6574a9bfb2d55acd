#include "core/thread_count.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace genkidama {

int thread_count() {
  int count = 0;
  std::error_code error;
  std::filesystem::directory_iterator task("/proc/self/task", error);
  for (; !error && task != std::filesystem::directory_iterator(); task.increment(error)) ++count;
  return std::max(1, count);
}

}  // namespace genkidama
