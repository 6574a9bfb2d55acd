#include "env/walker_terrain.h"

namespace genkidama {
namespace {

// Walks along the terrain. Each stretch of it is of one kind and lasts for a number of steps.
class TerrainWalk {
 public:
  TerrainWalk(Random& random, bool hardcore) : random_(random), hardcore_(hardcore) {}

  WalkerTerrain walk() {
    WalkerTerrain terrain;
    for (int i = 0; i < kTerrainLength; ++i) {
      if (begins_) {
        begin(i * kTerrainStep_m, terrain.boxes);
      } else {
        go_on(i);
      }
      begins_ = false;
      terrain.height[i] = y_;
      if (--left_ == 0) change();
    }
    return terrain;
  }

 private:
  enum Kind { kGrass, kStump, kStairs, kPit };

  int draw(int low, int end) { return low + static_cast<int>(random_.below(end - low)); }

  void change() {
    left_ = draw(kTerrainGrass / 2, kTerrainGrass);
    kind_ = kind_ == kGrass && hardcore_ ? static_cast<Kind>(draw(kStump, kPit + 1)) : kGrass;
    begins_ = true;
  }

  // The first step of a stretch is level, that of grass too.
  void begin(double x, std::vector<WalkerTerrain::Box>& boxes) {
    constexpr double kStep = kTerrainStep_m;
    first_y_ = y_;
    if (kind_ == kStump) {
      left_ = draw(1, 3);
      boxes.push_back({x, x + left_ * kStep, y_, y_ + left_ * kStep});
    } else if (kind_ == kPit) {
      const int width = draw(3, 5);
      for (const double wall : {x, x + width * kStep}) {
        boxes.push_back({wall, wall + kStep, y_ - 4 * kStep, y_});
      }
      left_ = width + 2;
    } else if (kind_ == kStairs) {
      rise_ = random_.uniform() > 0.5 ? 1 : -1;
      stairs_ = draw(3, 5);
      for (int s = 0; s < stairs_; ++s) {
        const double left = x + s * kStairWidth * kStep;
        boxes.push_back(
            {left, left + kStairWidth * kStep, y_ + (s * rise_ - 1) * kStep, y_ + s * rise_ * kStep});
      }
      left_ = stairs_ * kStairWidth;
    }
  }

  void go_on(int i) {
    if (kind_ == kGrass) {
      const double below = kTerrainHeight_m - y_;
      slope_ = 0.8 * slope_ + 0.01 * ((below > 0) - (below < 0));
      if (i > kTerrainStartPad) slope_ += random_.uniform(-1, 1) / kWalkerScale;
      y_ += slope_;
    } else if (kind_ == kPit) {
      y_ = left_ > 1 ? first_y_ - 4 * kTerrainStep_m : first_y_;
    } else if (kind_ == kStairs) {
      const double at = static_cast<double>(stairs_ * kStairWidth - left_ - rise_) / kStairWidth;
      y_ = first_y_ + at * rise_ * kTerrainStep_m;
    }
  }

  static constexpr int kStairWidth = 4;  // in steps of the terrain

  Random& random_;
  bool hardcore_;
  Kind kind_ = kGrass;
  bool begins_ = false;
  int left_ = kTerrainStartPad;  // steps before the kind changes
  double y_ = kTerrainHeight_m;
  double slope_ = 0;
  double first_y_ = 0;  // y_ where this stretch began
  int rise_ = 0;
  int stairs_ = 0;
};

}  // namespace

WalkerTerrain draw_walker_terrain(Random& random, bool hardcore) {
  return TerrainWalk(random, hardcore).walk();
}

}  // namespace genkidama
