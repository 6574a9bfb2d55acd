#pragma once

/// @file
/// What stands before the weights in a frame between two peers.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a peer's weights are for. All but a share are float32 or in the codec of the link.
enum class PeerFrameKind : std::uint32_t {
  kFirst = 0,    ///< the first frame on a link each way; it is not averaged in, and both codecs begin with it
  kShare = 1,    ///< to be averaged in; the receiver answers with a TakenMessage
  kRequest = 2,  ///< to meet in the middle (MixingRule::kPairs); the receiver answers with kAnswer
  kAnswer = 3,   ///< what the receiver had when it took the request
};

/// Begins the extra bytes of a frame of FrameType::kPeerWeights, before the statistics. FrameHeader::session
/// is the sender's instance and `update` the round of its weights. `sequence` counts its shares and requests
/// to this receiver and grows with each; of an answer it is that of the request, and of the first frame the
/// greatest one that the sender has taken from the receiver's present process, so that this one knows what
/// became of its last share.
struct PeerFields {
  PeerFrameKind kind = PeerFrameKind::kShare;  ///< what the weights are for
  std::uint32_t neighbours = 0;                ///< with how many the sender averages in this round
  double mass = 1;                             ///< what the weights count (MixingRule::kPushSum); in [0, 1e9]

  /// Compares field by field.
  friend bool operator==(const PeerFields&, const PeerFields&) = default;
};

/// The most that the weights of a share may count; a run has fewer machines.
inline constexpr double kMostMass = 1e9;

/// The size of PeerFields.
inline constexpr std::size_t kPeerFieldsBytes = 16;

/// Appends the fields to `bytes`.
void append_peer_fields(const PeerFields& fields, std::vector<std::byte>& bytes);
/// Reads what append_peer_fields() wrote from the first kPeerFieldsBytes of `bytes`, which has at least as
/// many.
Decoded<PeerFields> decode_peer_fields(std::span<const std::byte> bytes);

}  // namespace genkidama
