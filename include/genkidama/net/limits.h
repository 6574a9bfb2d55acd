#pragma once

/// @file
/// Deadlines and limits of every link. Both ends have the same ones.

#include <cstddef>

#include "genkidama/core/clock.h"
#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How long a link waits and how much it takes.
struct LinkLimits {
  // How long it waits.

  /// How long looking up a name and connecting to one of its addresses may take together. The addresses are
  /// tried side by side: each next one 250 ms after the one before, or at once when that one has failed.
  Milliseconds connect_timeout{5'000};
  /// How long it may take from the TCP connection to the hello, or to the welcome.
  Milliseconds handshake_timeout{10'000};
  /// A peer is considered gone after this long without receiving anything from it (pongs count) and without
  /// it accepting any part of an outgoing frame. Pings are sent at half of it. How long a whole frame takes
  /// does not matter. A peer that is heard but accepts nothing of a frame is dropped after eight times as
  /// long.
  Milliseconds idle_timeout{15'000};
  /// A closing handshake that takes longer than this is cut.
  Milliseconds close_timeout{1'000};

  // How much it takes.

  /// The largest JSON text message. A layout of thousands of tensors fits into the default.
  std::size_t max_control_bytes = 1 << 20;
  /// How many connections a listener holds at once. It closes any more.
  std::size_t max_connections = 4'096;
  /// How many new connections a listener accepts at once, before connection_rate limits them. The others are
  /// closed; a sound peer dials again after a pause, so a thousand Children that start together are in after
  /// 16 s.
  std::size_t connection_burst = 200;
  /// How many new connections a second a listener accepts after the burst. 0 means no limit.
  double connection_rate = 50;
  /// How many connections of one address may be open that have not joined yet.
  std::size_t max_handshakes_per_address = 64;
};

}  // namespace genkidama
