#pragma once

#include <box2d/box2d.h>

namespace genkidama {

/// Creates a revolute joint with a motor and an angle limit that solves limit and point as one 3x3 block.
///
/// Box2D 2.3 solved them so; 2.4 solves one after the other, which with a light body between a heavy one and
/// the ground takes hundreds of iterations to agree. Limits act as in 2.3 too: only once the angle has
/// reached them, not ahead of time. `definition` must enable both motor and limit, with distinct limits. The
/// world owns the joint as any other.
b2RevoluteJoint* create_block_revolute_joint(b2World& world, const b2RevoluteJointDef& definition);

}  // namespace genkidama
