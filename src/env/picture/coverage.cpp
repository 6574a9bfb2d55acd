#include "env/picture/coverage.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace genkidama::picture {
namespace {

/// Within the two, also for a number that is none, as far-away corners can lead to.
double within(double value, double least, double most) {
  if (!(value > least)) return least;
  return value < most ? value : most;
}

/// The mean of max(0, end - x) where x is spread evenly between the two.
double mean_reach(double end, double left, double right) {
  if (end <= left) return 0;
  if (end >= right) return end - (left + right) / 2;
  return (end - left) * (end - left) / (2 * (right - left));
}

std::uint8_t between(std::uint8_t from, std::uint8_t to, float share) {
  const float start = from;
  return static_cast<std::uint8_t>(std::lround(start + share * (static_cast<float>(to) - start)));
}

}  // namespace

void Filler::fill(std::span<const Place> corners, Colour colour) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double left = kInfinity, right = -kInfinity, top = kInfinity, bottom = -kInfinity;
  for (const Place& corner : corners) {
    left = std::min(left, corner.x);
    right = std::max(right, corner.x);
    top = std::min(top, corner.y);
    bottom = std::max(bottom, corner.y);
  }
  const auto [width, height] = image_.size;
  left_ = static_cast<int>(within(std::floor(left), 0, width));
  right_ = static_cast<int>(within(std::ceil(right), 0, width));
  top_ = static_cast<int>(within(std::floor(top), 0, height));
  bottom_ = static_cast<int>(within(std::ceil(bottom), 0, height));
  if (left_ >= right_ || top_ >= bottom_) return;
  // One more than is blended: what an edge at the right side changes lies behind the row.
  stride_ = static_cast<std::size_t>(right_ - left_) + 2;
  changes_.assign(stride_ * static_cast<std::size_t>(bottom_ - top_), 0.0F);
  for (std::size_t i = 0; i < corners.size(); ++i) add_edge(corners[i], corners[(i + 1) % corners.size()]);
  blend(colour);
}

void Filler::add_edge(Place from, Place to) {
  if (from.y == to.y) return;
  const double direction = from.y < to.y ? 1 : -1;
  if (direction < 0) std::swap(from, to);
  const double slope = (to.x - from.x) / (to.y - from.y);
  const double first = within(from.y, top_, bottom_), last = within(to.y, top_, bottom_);
  const auto column = [&](double y) { return within(from.x + (y - from.y) * slope, left_, right_) - left_; };
  for (int row = static_cast<int>(first); row < last; ++row) {
    const double upper = std::max<double>(first, row), lower = std::min<double>(last, row + 1);
    const double one = column(upper), other = column(lower);
    add_part(std::min(one, other), std::max(one, other), direction * (lower - upper),
             static_cast<std::size_t>(row - top_) * stride_);
  }
}

void Filler::add_part(double left, double right, double height, std::size_t row_start) {
  double before = 0;
  const int last = static_cast<int>(std::ceil(right));
  for (int x = static_cast<int>(left); x <= last; ++x) {
    const double share = mean_reach(x + 1, left, right) - mean_reach(x, left, right);
    changes_[row_start + static_cast<std::size_t>(x)] += static_cast<float>(height * (share - before));
    before = share;
  }
}

void Filler::blend(Colour colour) {
  // An edge has few colours then, so that a palette has room for them.
  constexpr float kLevels = 16;
  for (int y = top_; y < bottom_; ++y) {
    const float* change = changes_.data() + static_cast<std::size_t>(y - top_) * stride_;
    float sum = 0;
    for (int x = left_; x < right_; ++x) {
      sum += *change++;
      const float share = std::round(kLevels * std::abs(sum)) / kLevels;
      if (share <= 0) continue;
      Colour& pixel = image_.at(x, y);
      if (share >= 1) {
        pixel = colour;
      } else {
        pixel = {between(pixel.red, colour.red, share), between(pixel.green, colour.green, share),
                 between(pixel.blue, colour.blue, share)};
      }
    }
  }
}

}  // namespace genkidama::picture
