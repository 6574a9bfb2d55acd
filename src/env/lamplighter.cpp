#include "genkidama/env/lamplighter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "env/drawn/shapes.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace genkidama {
namespace {

constexpr int kSide = 10;
constexpr int kCells = kSide * kSide;
constexpr int kRacketRow = kSide - 1;
constexpr int kFirstLampRow = 1;
constexpr int kLampRows = 6;
constexpr int kLamps = 6;

enum Channel { kRacket, kBall, kTrail, kLamp, kChannels };
enum Move { kStay, kLeft, kRight, kMoves };

constexpr Colour kNight{24, 26, 44};
constexpr Colour kLane{34, 37, 60};
constexpr Colour kRacketColour{110, 190, 220};
constexpr Colour kBallColour{250, 246, 236};
constexpr Colour kTrailColour{104, 108, 132};
constexpr Colour kPost{92, 84, 76};
constexpr Colour kLight{252, 204, 96};

struct Cell {
  int row = 0;
  int column = 0;
  bool operator==(const Cell&) const = default;
};

class Lamplighter final : public DiscreteEnvironment {
 public:
  Lamplighter() {
    spec_.name = "Lamplighter";
    spec_.observation_shape = {kChannels, kSide, kSide};
    spec_.action_count = kMoves;
    spec_.time_limit = 500;
    spec_.repeatable = true;
    spec_ = completed(spec_);
  }

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    random_ = Random(seed);
    racket_ = 1 + below(kSide - 2);
    ball_ = trail_ = {0, below(kSide)};
    fall_ = 1;
    drift_ = below(2) == 0 ? -1 : 1;
    steps_ = 0;
    place_lamps();
    return paint();
  }

  StepResult step(int action) override {
    if (action < 0 || action >= kMoves) {
      throw ArgumentError(fmt::format("Lamplighter: action {} given, expected 0 to {}", action, kMoves - 1));
    }
    if (action == kLeft) racket_ = std::max(racket_ - 1, 1);
    if (action == kRight) racket_ = std::min(racket_ + 1, kSide - 2);

    StepResult result;
    result.terminated = !move_ball();
    result.reward = light_lamp() ? 1 : 0;
    result.truncated = ++steps_ >= spec_.time_limit && !result.terminated;
    result.observation = paint();
    return result;
  }

  void draw(Canvas& canvas) const override {
    canvas.view({0, 0, kSide, kSide, 0.1F}, kNight);
    for (int column = 0; column < kSide; column += 2) drawn::box(canvas, column, 0, column + 1, kSide, kLane);
    for (int i = 0; i < lamps_left_; ++i) {
      const Point lamp = middle_of(lamps_[static_cast<std::size_t>(i)]);
      drawn::segment(canvas, drawn::at(lamp.x, lamp.y - 0.45), lamp, 0.12, kPost);
      canvas.circle(lamp, 0.28F, kLight);
    }
    canvas.circle(middle_of(trail_), 0.16F, kTrailColour);
    canvas.circle(middle_of(ball_), 0.26F, kBallColour);
    drawn::box(canvas, racket_ - 0.95, 0.3, racket_ + 1.95, 0.7, kRacketColour);
  }

 private:
  /// In the picture, whose lowest row is the racket's.
  static Point middle_of(Cell cell) { return drawn::at(cell.column + 0.5, kRacketRow - cell.row + 0.5); }

  int below(int bound) { return static_cast<int>(random_.below(static_cast<std::uint64_t>(bound))); }

  // Returns whether the ball is still in the air.
  bool move_ball() {
    trail_ = ball_;
    if (ball_.column + drift_ < 0 || ball_.column + drift_ >= kSide) drift_ = -drift_;
    ball_.column += drift_;
    if (ball_.row + fall_ < 0) fall_ = 1;
    if (ball_.row + fall_ < kRacketRow) {
      ball_.row += fall_;
      return true;
    }
    const int place = ball_.column - racket_;
    if (std::abs(place) > 1) {
      ball_.row = kRacketRow;
      return false;
    }
    fall_ = -1;
    drift_ = place;
    return true;
  }

  bool light_lamp() {
    const auto last = lamps_.begin() + lamps_left_;
    const auto lamp = std::find(lamps_.begin(), last, ball_);
    if (lamp == last) return false;
    *lamp = lamps_[static_cast<std::size_t>(--lamps_left_)];
    if (lamps_left_ == 0) place_lamps();
    return true;
  }

  void place_lamps() {
    for (lamps_left_ = 0; lamps_left_ < kLamps;) {
      const int cell = below(kLampRows * kSide);
      const Cell lamp{kFirstLampRow + cell / kSide, cell % kSide};
      const auto last = lamps_.begin() + lamps_left_;
      if (lamp == ball_ || std::find(lamps_.begin(), last, lamp) != last) continue;
      lamps_[static_cast<std::size_t>(lamps_left_++)] = lamp;
    }
  }

  Observation paint() {
    image_.fill(0);
    for (int column = racket_ - 1; column <= racket_ + 1; ++column) mark(kRacket, {kRacketRow, column});
    mark(kBall, ball_);
    mark(kTrail, trail_);
    for (int i = 0; i < lamps_left_; ++i) mark(kLamp, lamps_[static_cast<std::size_t>(i)]);
    return image_;
  }

  void mark(Channel channel, Cell cell) {
    image_[static_cast<std::size_t>(channel * kCells + cell.row * kSide + cell.column)] = 1;
  }

  EnvironmentSpec spec_;
  Random random_;
  int racket_ = 1;  ///< the column of its middle
  Cell ball_, trail_;
  int fall_ = 1;   ///< rows that the ball moves down in a step: 1 or -1
  int drift_ = 1;  ///< columns that the ball moves right in a step: -1, 0 or 1
  std::array<Cell, kLamps> lamps_{};
  int lamps_left_ = 0;  ///< the first ones of lamps_ are not lit yet
  int steps_ = 0;
  std::array<float, kChannels * kCells> image_{};
};

}  // namespace

std::unique_ptr<Environment> make_lamplighter() {
  return std::make_unique<Lamplighter>();
}

}  // namespace genkidama
