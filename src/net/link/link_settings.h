#pragma once

#include <memory>
#include <string>

#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"
#include "genkidama/wire/protocol.h"

namespace genkidama {

class TlsContexts;

/// What all links of a Parent or of a Child have in common.
struct LinkSettings {
  LinkLimits limits;
  LinkSecurity security;
  std::shared_ptr<TlsContexts> tls;   ///< empty: no link speaks TLS
  const char* peer = "peer";          ///< who is at the other end, for people: "Parent" or "Child"
  std::string path = kWebSocketPath;  ///< of the HTTP request; at a listener, empty: any
  /// A message is read once all that was to be sent is sent: an echo then loses none and holds one.
  bool in_step = false;
};

}  // namespace genkidama
