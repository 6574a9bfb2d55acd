#pragma once

/// @file
/// A small game that is played from pixels.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Makes a game in which a ball lights lamps and a racket keeps the ball in the air.
///
/// The field has 10 rows, 0 at the top, and 10 columns. An observation is an image of the shape {4, 10, 10}
/// whose values are 0 or 1:
/// - channel 0: the racket, three cells of the bottom row;
/// - channel 1: the ball;
/// - channel 2: the trail, which is the ball's cell before the last step, and so tells where the ball goes;
/// - channel 3: the lamps that are not lit yet.
///
/// The actions 0, 1 and 2 leave the racket where it is, move it by one column to the left and to the right;
/// the edges stop it. In each step first the racket moves, then the ball, by one row and by at most one
/// column. The ball turns round at the left, right and upper edge.
///
/// When the ball would enter the bottom row over the racket, it stays in row 8 and flies up. The place
/// decides where to: from the racket's left cell up and left, from the middle straight up, from the right
/// cell up and right. That is how a player aims. When there is no racket, the ball falls and the episode
/// ends.
///
/// A ball that enters a lamp's cell lights the lamp, is rewarded with 1, and flies on. Six lamps stand at
/// random cells of the rows 1 to 6; when the last one is lit, six new ones appear, none in the ball's cell.
///
/// An episode starts with a ball in the top row that falls to the left or to the right, and with the racket
/// anywhere. Every ball can be reached. The time limit is 500 steps. A player who acts at random lights 1.05
/// lamps in an episode. One whose racket goes to the ball's column lights 6.2: the ball soon flies straight
/// up and down. One who also steps aside from a ball that comes straight down lights 23. The lamps are lit
/// fastest by aiming at them.
std::unique_ptr<Environment> make_lamplighter();

}  // namespace genkidama
