#pragma once

/// @file
/// Deadlines and limits of every link, the same for both ends.

#include <cstddef>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How long a link waits and how much it takes.
struct LinkLimits {
  Milliseconds connect_timeout{5'000};     ///< resolving and connecting
  Milliseconds handshake_timeout{10'000};  ///< from the TCP connection to the end of the typed handshake
  /// A peer that sends nothing, not even a pong, for so long is gone; pings go out at half of it. One frame
  /// of weights must be transferred within it: raise it for large networks on slow links.
  Milliseconds idle_timeout{15'000};
  Milliseconds close_timeout{1'000};  ///< a closing handshake that takes longer is cut
  std::size_t max_control_bytes =
      1 << 20;                          ///< largest JSON text frame (a layout of thousands of tensors fits)
  std::size_t max_connections = 4'096;  ///< connections a listener holds at once; more are closed
  /// New connections that are taken: so many at once, then so many a second (0: no limit). Others are closed;
  /// a sound peer dials again after a pause, so a thousand Children that start together are in after 16 s.
  std::size_t connection_burst = 200;
  /// The second of the two numbers.
  double connection_rate = 50;
  std::size_t max_handshakes_per_address = 64;  ///< connections from one address that have not joined yet
};

}  // namespace genkidama
