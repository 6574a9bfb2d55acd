#pragma once

namespace genkidama {

/// Why a connection came to nothing, where it is counted.
enum class PeerFault {
  kNone,         ///< another reason, or none yet
  kToken,        ///< no token or another one, at whichever end
  kOrigin,       ///< a browser
  kRequest,      ///< not HTTP, no Host, another target
  kTls,          ///< a TLS handshake that failed: another certificate, none, no TLS
  kQuarantine,   ///< a Child whose weights were refused a while ago
  kConnections,  ///< too many: at once, a second, or from one address
};

}  // namespace genkidama
