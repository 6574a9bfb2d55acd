#include "net/parent/run_id.h"

#include <fmt/format.h>

#include <chrono>
#include <random>

namespace genkidama {

std::string new_run_id() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_1970).count();
  return fmt::format("{:x}-{:08x}", seconds, std::random_device{}());
}

}  // namespace genkidama
