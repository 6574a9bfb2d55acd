// Input: a byte with the slice's weights, a byte with the newest version, and the payload; its bytes are read
// as an answer's too, to so many gradients as the first byte says.

#include <algorithm>
#include <cmath>
#include <vector>

#include "fuzz/targets.h"
#include "genkidama/wire/shard_frames.h"

namespace genkidama::fuzz {

void gradients(Input input) {
  if (input.size() < 2) return;
  const std::size_t slice = input[0] % 32u;
  const std::uint64_t newest = input[1];
  const auto bytes = std::as_bytes(input.subspan(2));
  std::vector<std::byte> again;
  if (const auto fates = decode_fates(bytes, slice); fates.ok()) {
    require(fates.value().size() == slice, "there are as many as were asked for");
    encode_fates(fates.value(), again);
    require(std::equal(bytes.begin(), bytes.end(), again.begin(), again.end()), "sound fates have one form");
  } else {
    require_printable(fates.reason());
  }
  std::vector<float> values;
  const auto decoded = decode_gradients(bytes, slice, newest, values);
  if (!decoded.ok()) return require_printable(decoded.reason());
  require(!decoded.value().empty() && decoded.value().size() <= most_frame_gradients(slice), "limits hold");
  for (const SliceGradient& each : decoded.value()) {
    require(each.version <= newest, "no version is yet to come");
    require(std::isfinite(each.learning_rate) && each.learning_rate > 0, "a sound learning rate");
    require(each.values.size() == slice, "a gradient is as long as the slice");
    require(std::all_of(each.values.begin(), each.values.end(), [](float v) { return std::isfinite(v); }),
            "all numbers are finite");
  }
  again.clear();
  append_gradients(decoded.value(), again);
  require(std::equal(bytes.begin(), bytes.end(), again.begin(), again.end()),
          "sound gradients have one form");
}

}  // namespace genkidama::fuzz
