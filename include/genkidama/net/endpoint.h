#pragma once

/// @file
/// A host and a port as a user writes them.

#include <cstdint>
#include <string>
#include <string_view>

namespace genkidama {

/// Where to listen or whom to dial.
struct Endpoint {
  std::string host;        ///< name or address; IPv6 without its brackets
  std::uint16_t port = 0;  ///< 0 when listening: any free port

  /// "HOST:PORT" or "[IPV6]:PORT"; throws ArgumentError that shows the form expected.
  static Endpoint parse(std::string_view text);
  std::string text() const;
};

}  // namespace genkidama
