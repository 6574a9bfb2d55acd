#include <cmath>
#include <limits>

#include "genkidama/env/cart_pole.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

/// Steps until the pole has fallen, always pushed to the right.
int steps_to_fall(Environment& environment) {
  environment.reset(3);
  const float right = 1;
  for (int step = 1;; ++step)
    if (environment.step(Action(&right, 1)).terminated) return step;
}

}  // namespace

TEST_CASE("a variant with gym's constants is the task, bit for bit") {
  const auto task = make_cart_pole(), variant = make_cart_pole_variant({});
  const auto a = task->reset(5), b = variant->reset(5);
  CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  for (int step = 0; step < 8; ++step) {
    const float action = step % 3 == 0 ? 1.0F : 0.0F;
    const auto one = task->step(Action(&action, 1)), two = variant->step(Action(&action, 1));
    CHECK(std::equal(one.observation.begin(), one.observation.end(), two.observation.begin(),
                     two.observation.end()));
  }
  CHECK(task->spec().name == variant->spec().name);
}

TEST_CASE("a longer pole falls later, and a stronger push makes it fall sooner") {
  const auto usual = make_cart_pole();
  const auto longer = make_cart_pole_variant({.pole_half_length = 2});
  const auto stronger = make_cart_pole_variant({.force = 30});
  CHECK(steps_to_fall(*longer) > steps_to_fall(*usual));
  CHECK(steps_to_fall(*stronger) < steps_to_fall(*usual));
}

TEST_CASE("constants that no pole has are refused") {
  CHECK_THROWS_WITH(make_cart_pole_variant({.pole_half_length = 0}), Contains("pole_half_length is 0"));
  CHECK_THROWS_WITH(make_cart_pole_variant({.pole_mass = -1}), Contains("pole_mass"));
  CHECK_THROWS_WITH(make_cart_pole_variant({.cart_mass = std::numeric_limits<double>::infinity()}),
                    Contains("cart_mass"));
  CHECK_THROWS_WITH(make_cart_pole_variant({.force = std::nan("")}), Contains("force"));
  CHECK_THROWS_WITH(make_cart_pole_variant({.gravity = 1000}), Contains("gravity"));
}
