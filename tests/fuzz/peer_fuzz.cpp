// Input: a byte with the codec, a byte with the flow, the rule and whether there are statistics, and frames
// one after the other, each behind two bytes with its length and a byte of flags that say what is mended in
// it.

#include <algorithm>
#include <cmath>
#include <variant>
#include <vector>

#include "fuzz/mend.h"
#include "fuzz/targets.h"
#include "net/peer/peer_reader.h"

namespace genkidama::fuzz {
namespace {

constexpr std::uint64_t kInstance = 11;
constexpr PeerReader::Here kHere{100, 50};

constexpr unsigned kMendChecksum = 1, kMendLength = 2, kMendReference = 4;

PeerReader::Link link_of(std::uint8_t codec, std::uint8_t rest) {
  PeerReader::Link link;
  link.instance = kInstance;
  link.codec = kCodecKinds[codec % kCodecKinds.size()];
  link.flow = static_cast<PeerFlow>(rest % 4 % 3);
  link.rule = static_cast<MixingRule>(rest / 4 % 4);
  link.statistics = rest / 16 % 2;
  link.max_norm_growth = 10;
  return link;
}

void check(const PeerReader::Read& read, std::size_t weights, std::uint64_t& last) {
  const Share& share = read.share;
  require(share.weights && share.weights->size() == weights, "as many weights as the network has");
  double squares = 0;
  for (const float weight : *share.weights) squares += double{weight} * double{weight};
  require(std::isfinite(squares), "finite weights");
  const bool is_first = share.kind == PeerFrameKind::kFirst;
  require(is_first || std::sqrt(squares) <= 10 * kHere.norm * 1.000001, "weights in proportion");
  require(share.mass >= 0 && share.mass <= kMostMass, "a mass within its bounds");
  require(share.round <= kHere.most_round, "no round from far ahead");
  if (is_first || share.kind == PeerFrameKind::kAnswer) return;
  require(share.sequence > last, "sequences grow");
  last = share.sequence;
}

}  // namespace

void peer(Input input) {
  if (input.size() < 2) return;
  static const ParameterLayout layout({{"pi1.weight", {2, 3}}, {"pi1.bias", {3}}});
  const PeerReader::Link link = link_of(input[0], input[1]);
  const std::size_t extra = PeerReader::extra_bytes(link.statistics);
  PeerReader reader(link, layout);
  std::vector<float> reference(layout.size());
  std::uint64_t last = 0;
  bool had_first = false;
  for (Input rest = input.subspan(2); rest.size() >= 3;) {
    const unsigned flags = rest[2];
    const std::size_t length = std::min<std::size_t>(rest[0] + 256u * rest[1], rest.size() - 3);
    const auto given = std::as_bytes(rest.subspan(3, length));
    std::vector<std::byte> frame(given.begin(), given.end());
    if (flags & kMendReference) mend_reference(frame, extra, reference);
    if (flags & kMendLength) mend_length(frame);
    if (flags & kMendChecksum) mend_checksum(frame);
    rest = rest.subspan(3 + length);
    const auto read = reader.read(frame, kHere);
    if (const auto* refusal = std::get_if<RefuseMessage>(&read)) return require_printable(refusal->reason);
    require(frame.size() <= reader.most_bytes(), "no sound frame is longer");
    const auto& taken = std::get<PeerReader::Read>(read);
    require((taken.share.kind == PeerFrameKind::kFirst) == !had_first, "the first frame comes first, once");
    had_first = true;
    check(taken, layout.size(), last);
    reference = *taken.share.weights;
  }
}

}  // namespace genkidama::fuzz
