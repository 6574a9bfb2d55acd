#include "genkidama/params/optimizer_moments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/params/change_average.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {
namespace {

constexpr const char* kMomentsField = "averaged_moments";
constexpr const char* kShapeField = "averaged_moments_squares";
constexpr const char* kStepsField = "averaged_moments_steps";

bool is_sound(const MomentsShape& shape) {
  return shape.squares_begin <= shape.squares_end && shape.squares_end <= shape.size;
}

}  // namespace

std::string moments_fault(const MomentsShape& shape, std::span<const float> values) {
  if (values.size() != shape.size) {
    return fmt::format("{} moments of the optimizer; expected {}", values.size(), shape.size);
  }
  if (const std::size_t bad = first_non_finite(values); bad != values.size()) {
    return fmt::format("moment {} of the optimizer is {}, not a finite number; the training has diverged",
                       bad, values[bad]);
  }
  const auto squares = values.subspan(shape.squares_begin, shape.squares_end - shape.squares_begin);
  const auto negative = std::find_if(squares.begin(), squares.end(), [](float value) { return value < 0; });
  if (negative == squares.end()) return {};
  return fmt::format("moment {} of the optimizer, a mean of squares, is {}; expected at least 0",
                     shape.squares_begin + static_cast<std::size_t>(negative - squares.begin()), *negative);
}

void AveragedMoments::begin(const MomentsShape& shape) {
  if (!is_sound(shape)) {
    throw ArgumentError(
        fmt::format("{} moments whose squares are those from {} to {}; expected a part of them", shape.size,
                    shape.squares_begin, shape.squares_end));
  }
  std::vector<float> values(shape.size);
  shape_ = shape;
  mean_ = {0, std::move(values)};
}

void AveragedMoments::average(std::span<const WeightedMoments> all) {
  std::vector<WeightedChange> counted;
  std::uint64_t steps = 0;
  for (const WeightedMoments& each : all) {
    if (each.steps == 0) continue;
    counted.push_back({each.values, each.weight, 1});
    steps = std::max(steps, each.steps);
  }
  if (counted.empty()) return;
  average_changes(counted, mean_.values);
  mean_.steps = steps;
}

void AveragedMoments::save(StateWriter& state) const {
  if (mean_.steps == 0) return;
  state.u64(kStepsField, mean_.steps);
  state.u64s(kShapeField, std::array<std::uint64_t, 2>{shape_.squares_begin, shape_.squares_end});
  if (shape_.size > 0) state.refer_to(kMomentsField, {static_cast<std::int64_t>(shape_.size)}, mean_.values);
}

void AveragedMoments::restore(const StateReader& state) {
  const auto values = state.floats(kMomentsField).values;
  const std::vector<std::uint64_t> squares = state.u64s(kShapeField);
  const std::uint64_t steps = state.u64_or(kStepsField, 0);
  const bool is_there = squares.size() == 2;
  MomentsShape shape;
  if (is_there) shape = {values.size(), squares[0], squares[1]};
  const bool is_whole =
      is_there == (steps > 0) && (is_there || (squares.empty() && values.empty())) && is_sound(shape);
  if (!is_whole) {
    throw FormatError(
        fmt::format("{}: it has {} averaged moments of {} optimizer steps and {} numbers of their "
                    "shape, which do not belong together",
                    state.source(), values.size(), steps, squares.size()));
  }
  if (const std::string fault = moments_fault(shape, values); !fault.empty()) {
    throw FormatError(fmt::format("{}: {}", state.source(), fault));
  }
  std::vector<float> own(values.begin(), values.end());
  shape_ = shape;
  mean_ = {steps, std::move(own)};
}

}  // namespace genkidama
