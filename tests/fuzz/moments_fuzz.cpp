// Input: three bytes with the shape's numbers, and the bytes of the moments.

#include <algorithm>
#include <cmath>
#include <vector>

#include "fuzz/targets.h"
#include "genkidama/wire/moments.h"

namespace genkidama::fuzz {

void moments(Input input) {
  if (input.size() < 3) return;
  MomentsShape shape{.size = input[0], .squares_begin = input[1], .squares_end = input[2]};
  shape.squares_end = std::min(shape.squares_end, shape.size);
  shape.squares_begin = std::min(shape.squares_begin, shape.squares_end);
  const auto bytes = std::as_bytes(input.subspan(3));
  const auto decoded = decode_moments(bytes, shape.size);
  if (!decoded.ok()) return require_printable(decoded.reason());
  const OptimizerMoments& moments = decoded.value();
  require(moments.values.size() == shape.size, "there are as many as the shape says");
  // NaN has many forms, of which one is written.
  const bool has_nan = std::any_of(moments.values.begin(), moments.values.end(),
                                   [](float value) { return std::isnan(value); });
  std::vector<std::byte> again;
  append_moments(moments, again);
  require(again.size() == bytes.size(), "nothing is left over");
  if (!has_nan) require(std::equal(bytes.begin(), bytes.end(), again.begin()), "sound moments have one form");
  const std::string fault = moments_fault(shape, moments.values);
  require_printable(fault);
  const bool is_sound =
      std::all_of(moments.values.begin(), moments.values.end(),
                  [](float value) { return std::isfinite(value); }) &&
      std::none_of(moments.values.begin() + static_cast<std::ptrdiff_t>(shape.squares_begin),
                   moments.values.begin() + static_cast<std::ptrdiff_t>(shape.squares_end),
                   [](float value) { return value < 0; });
  require(fault.empty() == is_sound, "what is no moment is seen");
  if (!is_sound) return;
  AveragedMoments averaged;
  averaged.begin(shape);
  averaged.average(std::vector<WeightedMoments>{{moments.values, 1, 1}, {moments.values, 2, 3}});
  require(moments_fault(shape, averaged.mean().values).empty(), "the mean of moments is sound");
}

}  // namespace genkidama::fuzz
