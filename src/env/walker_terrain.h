#pragma once

#include <array>
#include <vector>

#include "genkidama/core/random.h"

namespace genkidama {

// Gymnasium's constants; lengths in metres, of which each has 30 of its pixels.
inline constexpr double kWalkerScale = 30;  // pixels a metre
inline constexpr int kTerrainLength = 200;  // in steps of the terrain
inline constexpr int kTerrainGrass = 10;
inline constexpr int kTerrainStartPad = 20;
inline constexpr double kTerrainStep_m = 14 / kWalkerScale;
inline constexpr double kTerrainHeight_m = 400 / kWalkerScale / 4;

/// The ground of one episode of BipedalWalker.
struct WalkerTerrain {
  /// An obstacle, or the walls of a pit.
  struct Box {
    double left, right, bottom, top;
  };

  std::array<double, kTerrainLength> height;  ///< at multiples of kTerrainStep_m
  std::vector<Box> boxes;                     ///< none but with hardcore terrain
};

/// Draws slightly uneven ground, and with `hardcore` stumps, stairs and pits on it.
WalkerTerrain draw_walker_terrain(Random& random, bool hardcore);

}  // namespace genkidama
