#pragma once

/// @file
/// A host and a port as a user writes them.

#include <cstdint>
#include <string>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Where to listen or whom to dial.
struct Endpoint {
  std::string host;        ///< name or address; IPv6 without its brackets
  std::uint16_t port = 0;  ///< 0 when listening: any free port
  bool tls = false;        ///< written "wss://HOST:PORT": speak TLS

  /// "HOST:PORT", "[IPV6]:PORT", or either after "wss://"; throws ArgumentError that shows the form expected.
  static Endpoint parse(std::string_view text);
  /// As parse() takes it.
  std::string text() const;
  /// The same without "wss://".
  std::string authority() const;
  /// Whether a listener here can be reached from this machine only: a loopback address or localhost. No name
  /// is looked up, so another name counts as reachable whatever it stands for.
  bool is_loopback() const;
};

}  // namespace genkidama
