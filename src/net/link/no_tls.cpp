// For builds without OpenSSL (GENKIDAMA_TLS=OFF).

#include "genkidama/core/error.h"
#include "net/link/tls.h"

namespace genkidama {

std::shared_ptr<TlsContexts> load_tls(const TlsOptions&, bool listens, bool dials) {
  if (!listens && !dials) return nullptr;
  throw ArgumentError("this build has no TLS; configure it with -DGENKIDAMA_TLS=ON");
}

std::shared_ptr<Link> make_tls_link(tcp::socket, std::shared_ptr<const LinkSettings>, std::size_t,
                                    std::weak_ptr<LinkEvents>, const LinkOrigin&) {
  throw ArgumentError("this build has no TLS; configure it with -DGENKIDAMA_TLS=ON");
}

}  // namespace genkidama
