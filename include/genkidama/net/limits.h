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
  Milliseconds handshake_timeout{10'000};  ///< from the TCP connection to the hello, or the welcome
  /// A peer is gone when for so long nothing came from it, not even a pong, and it took nothing of a frame
  /// that is being sent to it. Pings go out at half of it. How long a whole frame takes does not matter. A
  /// peer that is heard but takes nothing of a frame is dropped after eight times as long.
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
