#pragma once

/// @file
/// Who may take part. The options are the same for both ends and for both directions of dialling.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Files in PEM form. Whether a dialled peer is spoken to in TLS is said by its Endpoint (wss://HOST:PORT).
struct TlsOptions {
  /// This side's certificate, followed by the certificates that lead up to its authority's. A listener that
  /// has one speaks TLS only, except at an endpoint that is written ws://HOST:PORT. A dialler shows it when
  /// the listener asks for one.
  std::string certificate;
  /// The key of the certificate, without a password.
  std::string key;
  /// The authorities that may have signed a dialled peer's certificate. Empty: the system's authorities.
  std::string ca;
  /// Mutual TLS: a listener then accepts over TLS only peers that show a certificate of these authorities.
  std::string client_ca;
};

/// Whom a link is made with.
struct LinkSecurity {
  /// A secret that both ends share. Empty: none. A dialler sends it in the HTTP upgrade's Authorization
  /// header, and a listener refuses a peer without it. It appears in no log, error or file of this library.
  std::string token;
  /// Lets other machines reach a listener that has neither a token nor a client_ca. Without this such a
  /// listener is an ArgumentError.
  bool insecure = false;
  /// Web pages that may connect, such as "https://dashboard.example". A browser says in the Origin header
  /// which page wants a connection, and a page that is not listed is refused. An empty list refuses every
  /// page. No Genkidama peer sends the header.
  std::vector<std::string> allowed_origins;
  /// Certificates and keys.
  TlsOptions tls;
};

/// The length of the longest token.
inline constexpr std::size_t kMaxTokenBytes = 1024;

/// Whether `token` is 1 to kMaxTokenBytes printable ASCII characters without spaces, which an HTTP header can
/// carry.
bool valid_token(std::string_view token);

}  // namespace genkidama
