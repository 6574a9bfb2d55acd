#include "genkidama/net/endpoint.h"

#include "net/asio.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr std::size_t kMaxHostBytes = 255;
constexpr std::string_view kTlsScheme = "wss://";
constexpr std::string_view kPlainScheme = "ws://";

bool host_character(char c) {
  // No space, quote or slash: the host goes into an HTTP header and into log lines.
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_' || c == ':' || c == '%';
}

}  // namespace

Endpoint Endpoint::parse(std::string_view text) {
  const auto fail = [&](const char* what) {
    throw ArgumentError(
        fmt::format("'{}' is not an endpoint ({}); give HOST:PORT, for instance 192.168.1.7:7777, or "
                    "[IPV6]:PORT, for instance "
                    "[::1]:7777",
                    text, what));
  };
  const bool tls = text.starts_with(kTlsScheme), plain = text.starts_with(kPlainScheme);
  const std::string_view place = text.substr(tls     ? kTlsScheme.size()
                                             : plain ? kPlainScheme.size()
                                                     : std::size_t{0});
  const std::size_t colon = place.rfind(':');
  if (colon == std::string_view::npos) fail("no port");
  std::string_view host = place.substr(0, colon), port = place.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) fail("only an IPv6 address stands in brackets");
  } else if (host.find(':') != std::string_view::npos) {
    fail("an IPv6 address needs brackets");
  }
  if (host.empty()) fail("no host");
  if (host.size() > kMaxHostBytes || !std::all_of(host.begin(), host.end(), host_character)) fail("bad host");
  Endpoint endpoint{std::string(host), 0, tls, plain};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) {
    fail("the port is not a number from 0 to 65535");
  }
  return endpoint;
}

std::string Endpoint::text() const {
  return std::string(tls ? kTlsScheme : plain ? kPlainScheme : std::string_view()) + authority();
}

std::string Endpoint::authority() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

bool Endpoint::is_loopback() const {
  if (host == "localhost") return true;
  ErrorCode error;
  const auto address = asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

}  // namespace genkidama
