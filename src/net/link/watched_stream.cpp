#include "net/link/watched_stream.h"

#include <sys/ioctl.h>

namespace genkidama {

std::uint64_t unacknowledged_bytes(tcp::socket& socket) {
#if defined(__linux__)
  int bytes = 0;
  if (::ioctl(socket.native_handle(), TIOCOUTQ, &bytes) == 0 && bytes > 0) {
    return static_cast<std::uint64_t>(bytes);
  }
#else
  static_cast<void>(socket);
#endif
  return 0;
}

std::uint64_t unread_bytes(const tcp::socket& socket) {
  ErrorCode error;
  const std::size_t bytes = socket.available(error);
  return error ? 0 : bytes;
}

void abandon_unsent(tcp::socket& socket) {
  ErrorCode ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
}

}  // namespace genkidama
