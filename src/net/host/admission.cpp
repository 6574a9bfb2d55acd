#include "net/host/admission.h"

#include <fmt/format.h>

namespace genkidama {

Admission::Admission(const LinkLimits& limits)
    : limits_(limits), rate_(limits.connection_rate, static_cast<double>(limits.connection_burst)) {}

std::optional<std::string> Admission::objection(const asio::ip::address& from, std::size_t connections,
                                                std::size_t waiting) {
  if (connections >= limits_.max_connections) {
    return fmt::format("max_connections ({}) reached", limits_.max_connections);
  }
  if (!rate_.allow(Clock::now())) {
    return fmt::format("more than connection_rate ({}) new connections a second", limits_.connection_rate);
  }
  if (waiting >= limits_.max_handshakes_per_address) {
    return fmt::format("max_handshakes_per_address ({}) reached by {}", limits_.max_handshakes_per_address,
                       from.to_string());
  }
  return std::nullopt;
}

asio::ip::address remote_address(const tcp::socket& socket) {
  ErrorCode error;
  const tcp::endpoint endpoint = socket.remote_endpoint(error);
  return error ? asio::ip::address() : endpoint.address();
}

}  // namespace genkidama
