#pragma once

// Reads a neighbour's frames of weights, and says why one is not taken. It knows no sockets.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "genkidama/net/peer.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/params/weight_codec.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "genkidama/wire/peer_frames.h"
#include "net/peer/mixer.h"

namespace genkidama {

/// What a peer on a link only sends, only receives, or both, in a sentence.
const char* flow_words(PeerFlow flow);

/// Of one link, from the hello on: a first frame, then shares, or requests and answers.
class PeerReader {
 public:
  /// What both ends have told each other.
  struct Link {
    std::uint64_t instance = 0;  ///< the neighbour's
    CodecKind codec = CodecKind::kFloat32;
    PeerFlow flow = PeerFlow::kBoth;  ///< what this peer does
    MixingRule rule = MixingRule::kGala;
    std::size_t statistics = 0;  ///< components; 0: none are shared
    double max_norm_growth = 0;  ///< as PeerOptions has it
  };
  /// This peer at the moment.
  struct Here {
    double norm = 0;               ///< of its weights
    std::uint64_t most_round = 0;  ///< a neighbour that is further ahead is not believed
  };
  struct Read {
    Share share;
    RunningStatistics statistics;
  };

  /// `layout` outlives it.
  PeerReader(const Link& link, const ParameterLayout& layout);

  /// Of a frame, before its weights.
  static std::size_t extra_bytes(std::size_t statistics);
  /// The most that a sound frame has.
  std::size_t most_bytes() const;
  /// What the frame holds, or the refusal of the link: kWeights for weights that are not fit to be averaged.
  /// After a refusal nothing more is read.
  std::variant<Read, RefuseMessage> read(std::span<const std::byte> frame, const Here& here);

 private:
  std::optional<RefuseMessage> objection(const FrameHeader& header, const PeerFields& fields, CodecKind codec,
                                         const Here& here) const;
  std::optional<RefuseMessage> objection(std::span<const float> weights, PeerFrameKind kind,
                                         const Here& here) const;

  const Link link_;
  const ParameterLayout& layout_;
  WeightDecoder decoder_;
  bool has_first_ = false;
  std::uint64_t last_sequence_ = 0;  ///< of the neighbour's shares and requests
};

}  // namespace genkidama
