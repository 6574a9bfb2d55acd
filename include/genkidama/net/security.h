#pragma once

/// @file
/// Who may take part. The options are the same for both ends and for both directions of dialling.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Files in PEM form. Whether a dialled peer is spoken to in TLS says its Endpoint (wss://HOST:PORT).
struct TlsOptions {
  /// This side's certificate, with those that lead up to its authority's. A listener that has one speaks TLS
  /// only; who dials shows it when the listener asks for one.
  std::string certificate;
  std::string key;        ///< of the certificate; without a password
  std::string ca;         ///< authorities whose certificates a dialled peer may have; empty: the system's
  std::string client_ca;  ///< a listener then takes only peers with a certificate of these (mutual TLS)
};

/// Whom a link is made with.
struct LinkSecurity {
  /// A secret that both ends share; empty: none. Whoever dials sends it in the HTTP upgrade's Authorization
  /// header, whoever listens refuses a peer without it. It is in no log, error or file of this library.
  std::string token;
  /// Lets a listener without a token or a client_ca be reached from other machines, which is otherwise an
  /// ArgumentError.
  bool insecure = false;
  /// Browsers say by the Origin header which page wants a connection, "https://dashboard.example". One that
  /// is not listed here is refused; so is any when the list is empty. No Genkidama peer sends the header.
  std::vector<std::string> allowed_origins;
  /// Certificates.
  TlsOptions tls;
};

/// As valid_token() takes it.
inline constexpr std::size_t kMaxTokenBytes = 1024;

/// 1 to kMaxTokenBytes printable ASCII characters without spaces, as an HTTP header can carry them.
bool valid_token(std::string_view token);

}  // namespace genkidama
