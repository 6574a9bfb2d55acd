#pragma once

/// @file
/// Numbers that both ends of a link must agree on.

#include <cstddef>
#include <cstdint>

namespace genkidama {

/// The version that stands in every hello, welcome and binary frame. It changes when an old peer could not
/// talk to a new one.
inline constexpr std::uint16_t kProtocolVersion = 1;

/// The target of the HTTP request that opens a link; its number is the protocol's.
inline constexpr const char* kWebSocketPath = "/genkidama/1";

inline constexpr std::size_t kMaxNameBytes = 64;  ///< of a peer's name, run id, version or capability
inline constexpr std::size_t kMaxReasonBytes =
    1024;  ///< of the text in refuse, end and leave, and of a description
inline constexpr std::size_t kMaxCapabilities = 32;  ///< in a hello or welcome
inline constexpr std::size_t kMaxTensors = 16'384;   ///< in a hello's layout
inline constexpr std::size_t kMaxJsonDepth = 8;      ///< objects and arrays inside one another
/// Integers in JSON stay exact in languages whose only number is a double.
inline constexpr std::uint64_t kMaxJsonInteger = (std::uint64_t{1} << 53) - 1;

}  // namespace genkidama
