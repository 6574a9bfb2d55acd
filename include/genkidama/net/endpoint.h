#pragma once

/// @file
/// A host and a port as a user writes them.

#include <cstdint>
#include <string>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A place to listen at or to dial.
struct Endpoint {
  /// A name or an address; an IPv6 address stands here without its brackets. A listener listens at every
  /// address of a name, and a dialler tries them all.
  std::string host;
  std::uint16_t port = 0;  ///< 0 lets a listener take any free port
  /// Written "wss://HOST:PORT": the link speaks TLS.
  bool tls = false;
  /// Written "ws://HOST:PORT": the link speaks no TLS, even where a listener has a certificate. Without
  /// either scheme a listener speaks TLS when it has a certificate, and a dialler does not.
  bool plain = false;

  /// Reads "HOST:PORT" or "[IPV6]:PORT", either of them also after "ws://" or "wss://". Throws ArgumentError
  /// that shows the form expected.
  static Endpoint parse(std::string_view text);
  /// The text that parse() reads.
  std::string text() const;
  /// The same text without a scheme.
  std::string authority() const;
  /// Whether a listener here can be reached from this machine only: true for a loopback address and for
  /// "localhost". No name is looked up, so any other name counts as reachable from other machines.
  bool is_loopback() const;
};

}  // namespace genkidama
