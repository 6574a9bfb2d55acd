#include "run/state/machine_time.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace genkidama::run {

MachineTime machine_time() {
  MachineTime now;
  timespec time{};
  if (::clock_gettime(CLOCK_BOOTTIME, &time) != 0) return now;
  now.seconds = static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  const int file = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (file < 0) return now;
  std::array<char, 64> text{};
  const ssize_t got = ::read(file, text.data(), text.size());
  ::close(file);
  const std::string_view line(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  now.boot = line.substr(0, line.find('\n'));
  return now;
}

std::optional<double> seconds_between(const MachineTime& earlier, const MachineTime& later) {
  if (earlier.boot.empty() || earlier.boot != later.boot || later.seconds < earlier.seconds) {
    return std::nullopt;
  }
  return later.seconds - earlier.seconds;
}

}  // namespace genkidama::run
