#pragma once

// What LunarLander looks like.

#include "env/lunar_lander_world.h"
#include "genkidama/env/canvas.h"

namespace genkidama::drawn {

/// What the engines did in the latest step: 0 is off, 1 is full power. `side` is below 0 for the left engine,
/// whose flame is on the right. `step` lets the flames flicker.
struct Flames {
  double main = 0;
  double side = 0;
  int step = 0;
};

void draw(Canvas& canvas, const LunarLanderWorld& world, const Flames& flames);

}  // namespace genkidama::drawn
