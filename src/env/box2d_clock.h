#pragma once

namespace genkidama {

/// While an object of this class exists, Box2D does not read the clock in this thread.
///
/// b2World::Step() reads it a dozen times a step, for the statistics of b2World::GetProfile(), which cost
/// more than a twentieth of the steps of a small world; with this object they are 0. Elsewhere b2Timer does
/// what Box2D's own does. In a program that is linked to genkidama's shared libraries, Box2D keeps its own
/// b2Timer and the object changes nothing.
class WithoutBox2dClock {
 public:
  WithoutBox2dClock();
  ~WithoutBox2dClock();
  WithoutBox2dClock(const WithoutBox2dClock&) = delete;
  WithoutBox2dClock& operator=(const WithoutBox2dClock&) = delete;

 private:
  bool outer_;
};

}  // namespace genkidama
