#pragma once

#include "net/asio.h"

#include <boost/asio/ssl/context.hpp>
#include <optional>
#include <string>

#include "net/link/tls.h"

namespace genkidama {

class TlsContexts {
 public:
  std::optional<asio::ssl::context> listening, dialling;
};

/// Makes the handshake that follows succeed only with a certificate for `host`, a name or an address. False
/// when that cannot be had: then there must be no handshake.
[[nodiscard]] bool expect_certificate_for(SSL* ssl, const std::string& host);

/// What went wrong in a handshake, for the user of this side. `peer`: who is at the other end. `dialled`: to
/// which host, or empty when it was accepted.
std::string describe_tls_failure(const SSL* ssl, ErrorCode error, const std::string& peer,
                                 const std::string& dialled);

/// Whether the peer began with an HTTP request instead.
bool is_plain_http(ErrorCode error);

}  // namespace genkidama
