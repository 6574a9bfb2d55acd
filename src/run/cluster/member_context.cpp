#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "genkidama/core/error.h"
#include "genkidama/run/loopback_cluster.h"

namespace genkidama::run {

void MemberContext::tell_ports(std::span<const std::uint16_t> ports) const {
  if (ready_fd < 0) return;
  const std::string text = fmt::format("{}\n", ports.empty() ? 0 : ports.front());
  const bool written = write(ready_fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  close(ready_fd);
  if (!written) {
    throw IoError(fmt::format("the port could not be told to the process that started this one: {}",
                              std::strerror(error)));
  }
}

}  // namespace genkidama::run
