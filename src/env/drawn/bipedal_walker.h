#pragma once

// What BipedalWalker looks like.

#include "env/bipedal_walker_world.h"
#include "genkidama/env/canvas.h"

namespace genkidama::drawn {

/// `end_m`: where the walk is over.
void draw(Canvas& canvas, const BipedalWalkerWorld& world, double end_m);

}  // namespace genkidama::drawn
