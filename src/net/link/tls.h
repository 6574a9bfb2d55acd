#pragma once

// The certificates and keys of a Parent's or a Child's links. No OpenSSL in this header.

#include "net/asio.h"

#include <memory>

#include "genkidama/net/security.h"
#include "net/link/link.h"

namespace genkidama {

/// What OpenSSL made of the files; read once, shared by all links.
class TlsContexts;

/// Nothing when neither side needs TLS. Throws ArgumentError naming the file that cannot be used, and when
/// this build has no TLS.
std::shared_ptr<TlsContexts> load_tls(const TlsOptions& options, bool listens, bool dials);

/// Link::make() for a connection that speaks TLS.
std::shared_ptr<Link> make_tls_link(tcp::socket socket, std::shared_ptr<const LinkSettings> settings,
                                    std::size_t message_max, std::weak_ptr<LinkEvents> events,
                                    const LinkOrigin& origin);

}  // namespace genkidama
