#include "net/peer/peer_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "genkidama/core/is_finite.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/wire/statistics.h"

namespace genkidama {

const char* flow_words(PeerFlow flow) {
  if (flow == PeerFlow::kBoth) return "sends and receives";
  return flow == PeerFlow::kSends ? "only sends" : "only receives";
}

PeerReader::PeerReader(const Link& link, const ParameterLayout& layout)
    : link_(link), layout_(layout), decoder_(link.codec, layout, CodedContent::kWeights) {}

std::size_t PeerReader::extra_bytes(std::size_t statistics) {
  return kPeerFieldsBytes + statistics_bytes(statistics);
}

std::size_t PeerReader::most_bytes() const {
  return max_frame_bytes(link_.codec, layout_, extra_bytes(link_.statistics));
}

std::variant<PeerReader::Read, RefuseMessage> PeerReader::read(std::span<const std::byte> frame,
                                                               const Here& here) {
  const auto parts = split_frame(frame, extra_bytes(link_.statistics));
  if (!parts.ok()) return RefuseMessage{RefusalCode::kFrame, parts.reason()};
  const auto decoded = decode_peer_fields(parts.value().extra);
  if (!decoded.ok()) return RefuseMessage{RefusalCode::kFrame, decoded.reason()};
  const PeerFields& fields = decoded.value();
  const FrameHeader& header = parts.value().header;
  if (auto refusal = objection(header, fields, parts.value().codec, here)) return std::move(*refusal);
  auto statistics = decode_statistics(parts.value().extra.subspan(kPeerFieldsBytes), link_.statistics);
  if (!statistics.ok()) return RefuseMessage{RefusalCode::kFrame, statistics.reason()};
  if (auto wrong = StreamStatistics(link_.statistics).objection(statistics.value()); !wrong.empty())
    return RefuseMessage{RefusalCode::kFrame, std::move(wrong)};
  std::span<const float> weights;
  if (const auto wrong = decoder_.decode(parts.value().codec, parts.value().weights, weights); !wrong.empty())
    return RefuseMessage{RefusalCode::kFrame, "binary frame: " + wrong};
  if (auto refusal = objection(weights, fields.kind, here)) return std::move(*refusal);
  Read read;
  read.share.kind = fields.kind;
  read.share.sequence = header.sequence;
  read.share.round = header.update;
  read.share.neighbours = fields.neighbours;
  read.share.mass = fields.mass;
  read.share.weights = std::make_shared<const std::vector<float>>(weights.begin(), weights.end());
  read.statistics = std::move(statistics.value());
  if (fields.kind == PeerFrameKind::kFirst) {
    has_first_ = true;
    decoder_.begin(*read.share.weights);
  } else if (fields.kind != PeerFrameKind::kAnswer) {
    last_sequence_ = header.sequence;
  }
  return read;
}

std::optional<RefuseMessage> PeerReader::objection(const FrameHeader& header, const PeerFields& fields,
                                                   CodecKind codec, const Here& here) const {
  if (header.type != FrameType::kPeerWeights) {
    return RefuseMessage{RefusalCode::kFrame,
                         fmt::format("a frame of type {} from a peer", static_cast<int>(header.type))};
  }
  if (header.session != link_.instance) {
    return RefuseMessage{RefusalCode::kSequence, fmt::format("a frame of instance {} from instance {}",
                                                             header.session, link_.instance)};
  }
  if (header.update > here.most_round) {
    return RefuseMessage{RefusalCode::kSequence, fmt::format("weights of round {}; expected at most {}",
                                                             header.update, here.most_round)};
  }
  const bool is_first = fields.kind == PeerFrameKind::kFirst;
  if (is_first == has_first_) {
    return RefuseMessage{RefusalCode::kSequence,
                         is_first ? "a second first frame" : "a share before the first frame"};
  }
  if (is_first) {
    // Both ends begin from it, so it is whole.
    if (codec != CodecKind::kFloat32) {
      return RefuseMessage{RefusalCode::kFrame,
                           fmt::format("the first weights are in the codec '{}'; expected '{}'",
                                       codec_name(codec), codec_name(CodecKind::kFloat32))};
    }
    return std::nullopt;
  }
  const bool makes_pairs = link_.rule == MixingRule::kPairs;
  if (makes_pairs != (fields.kind != PeerFrameKind::kShare) || link_.flow == PeerFlow::kSends) {
    return RefuseMessage{
        RefusalCode::kProtocol,
        fmt::format("a frame of kind {}, which is not for the rule '{}' on a link on which this peer {}",
                    static_cast<int>(fields.kind), mixing_name(link_.rule), flow_words(link_.flow))};
  }
  if (fields.kind != PeerFrameKind::kAnswer && header.sequence <= last_sequence_) {
    return RefuseMessage{RefusalCode::kSequence,
                         fmt::format("frame {} behind frame {}", header.sequence, last_sequence_)};
  }
  return std::nullopt;
}

std::optional<RefuseMessage> PeerReader::objection(std::span<const float> weights, PeerFrameKind kind,
                                                   const Here& here) const {
  const double norm = euclidean_norm(weights);
  if (!is_finite(norm)) {
    return RefuseMessage{
        RefusalCode::kWeights,
        fmt::format("element {} of the weights is not a finite number", first_non_finite(weights))};
  }
  const double most = link_.max_norm_growth;
  if (most <= 0 || kind == PeerFrameKind::kFirst) return std::nullopt;
  if (norm <= most * std::max(here.norm, 1.0)) return std::nullopt;
  return RefuseMessage{
      RefusalCode::kWeights,
      fmt::format("the weights have a norm of {:.3g}, out of proportion to the {:.3g} of this peer's", norm,
                  here.norm)};
}

}  // namespace genkidama
