#pragma once

#include <box2d/box2d.h>

namespace genkidama {

/// What such a joint computes once a step, for all iterations of the step: what couples the point with the
/// angle. It lies outside of the joint, which has no room for it, and stays where it is as long as the joint
/// lives.
struct BlockJointStep {
  b2Vec2 coupling_by_k;
  float softness;
};

/// Creates a revolute joint with a motor and an angle limit that solves limit and point as one 3x3 block.
///
/// Box2D 2.3 solved them so; 2.4 solves one after the other, which with a light body between a heavy one and
/// the ground takes hundreds of iterations to agree. Limits act as in 2.3 too: only once the angle has
/// reached them, not ahead of time. `definition` must enable both motor and limit, with distinct limits. The
/// world owns the joint as any other. The joint's user data is taken: it points to `step`.
b2RevoluteJoint* create_block_revolute_joint(b2World& world, const b2RevoluteJointDef& definition,
                                             BlockJointStep& step);

/// Creates a joint as create_block_revolute_joint() does that solves its positions as Box2D 2.3 did, too. The
/// difference shows where a step has to turn a joint far: 2.4 looks anew in each iteration whether the angle
/// has reached a limit, 2.3 once a step.
b2RevoluteJoint* create_box2d23_revolute_joint(b2World& world, const b2RevoluteJointDef& definition,
                                               BlockJointStep& step);

/// Sets the motor of a joint that create_box2d23_revolute_joint() made, and wakes its bodies when they sleep.
/// As in 2.3, the time for which a body that is awake has been at rest goes on counting.
void set_box2d23_joint_motor(b2RevoluteJoint& joint, float speed, float max_torque);

}  // namespace genkidama
