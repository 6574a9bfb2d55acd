// Input: a byte of flags, a byte that says how many weights the network has, the frame.

#include <algorithm>
#include <cstring>
#include <vector>

#include "fuzz/mend.h"
#include "fuzz/targets.h"
#include "genkidama/wire/frame.h"

namespace genkidama::fuzz {
namespace {

constexpr unsigned kMendChecksum = 1;  // or hardly a frame would ever be sound
constexpr unsigned kMendLength = 2;
constexpr unsigned kMisplace = 4;  // to where floats cannot lie

}  // namespace

void frame(Input input) {
  if (input.size() < 2) return;
  const unsigned flags = input[0];
  const std::size_t elements = input[1] % 64, offset = flags & kMisplace ? 1 : 0;
  const auto given = std::as_bytes(input.subspan(2));
  // As large as it is, so that a byte too many is noticed.
  std::vector<std::byte> memory(offset + given.size());
  std::copy(given.begin(), given.end(), memory.begin() + static_cast<std::ptrdiff_t>(offset));
  const auto bytes = std::span(memory).subspan(offset);
  if (flags & kMendLength) mend_length(bytes);
  if (flags & kMendChecksum) mend_checksum(bytes);

  std::vector<float> weights(elements, 7), copy;
  const auto decoded = decode_frame(bytes, weights);
  const auto view = view_frame(bytes, elements, copy);
  require(decoded.ok() == view.ok(), "both ways of reading agree");
  if (!decoded.ok()) {
    require(decoded.reason() == view.reason(), "both ways of reading give the same reason");
    require_printable(decoded.reason());
    require(copy.empty() && std::all_of(weights.begin(), weights.end(), [](float w) { return w == 7; }),
            "nothing is changed by a frame that is refused");
    return;
  }
  const auto viewed = view.value().weights;
  require(decoded.value() == view.value().header && viewed.size() == elements &&
              (elements == 0 || std::memcmp(viewed.data(), weights.data(), viewed.size_bytes()) == 0),
          "both ways of reading give the same");
  std::vector<std::byte> again;
  encode_frame(decoded.value(), weights, again);
  require(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()), "a sound frame has one form");
  const auto rest = encode_frame_head(decoded.value(), weights, again);
  again.insert(again.end(), rest.begin(), rest.end());
  require(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()), "in two parts it is the same");
}

}  // namespace genkidama::fuzz
