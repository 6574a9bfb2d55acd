#include "net/host/admission.h"

#include <fmt/format.h>

namespace genkidama {

Admission::Admission(const LinkLimits& limits)
    : limits_(limits), rate_(limits.connection_rate, static_cast<double>(limits.connection_burst)) {}

std::string Admission::too_many() const {
  return fmt::format("max_connections ({}) reached", limits_.max_connections);
}

std::string Admission::too_fast() const {
  return fmt::format("more than connection_rate ({}) new connections a second", limits_.connection_rate);
}

std::string Admission::too_many_of(const asio::ip::address& from) const {
  return fmt::format("max_handshakes_per_address ({}) reached by {}", limits_.max_handshakes_per_address,
                     from.to_string());
}

asio::ip::address remote_address(const tcp::socket& socket) {
  ErrorCode error;
  const tcp::endpoint endpoint = socket.remote_endpoint(error);
  return error ? asio::ip::address() : endpoint.address();
}

}  // namespace genkidama
