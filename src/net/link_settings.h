#pragma once

#include <memory>

#include "genkidama/net/limits.h"
#include "genkidama/net/security.h"

namespace genkidama {

class TlsContexts;

/// What all links of a Parent or of a Child have in common.
struct LinkSettings {
  LinkLimits limits;
  LinkSecurity security;
  std::shared_ptr<TlsContexts> tls;  ///< empty: no link speaks TLS
  const char* peer = "peer";         ///< who is at the other end, for people: "Parent" or "Child"
};

}  // namespace genkidama
