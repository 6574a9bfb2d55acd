// NaN and infinity are found by code that is compiled with -ffast-math: this file, and the sources of the
// library that are compiled into this program. Nothing here compares floats to find them either.
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/env/action_space.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/env/scaled_environment.h"
#include "genkidama/net/parent.h"
#include "genkidama/nn/check_gradients.h"
#include "genkidama/nn/networks.h"
#include "genkidama/params/policy_average.h"
#include "genkidama/params/weight_codec.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/rl/clip_gradient.h"
#include "genkidama/rl/hyperparameters.h"
#include "genkidama/wire/frame.h"
#include "support/catch.h"
#include "support/hex.h"

#if !defined(__FINITE_MATH_ONLY__) || __FINITE_MATH_ONLY__ == 0
#error "this test must be compiled with -ffast-math"
#endif

using namespace genkidama;

namespace {

// Volatile, so that the compiler cannot compute with it beforehand.
float made_of(std::uint32_t bits) {
  volatile std::uint32_t seen = bits;
  return std::bit_cast<float>(static_cast<std::uint32_t>(seen));
}

double made_of(std::uint64_t bits) {
  volatile std::uint64_t seen = bits;
  return std::bit_cast<double>(static_cast<std::uint64_t>(seen));
}

std::vector<float> bad_floats() {
  return {made_of(0x7fc00000U), made_of(0xffc00001U), made_of(0x7f800000U), made_of(0xff800000U)};
}

std::vector<double> bad_doubles() {
  return {made_of(std::uint64_t{0x7ff8000000000000}), made_of(std::uint64_t{0x7ff0000000000000}),
          made_of(std::uint64_t{0xfff0000000000000})};
}

/// Gives this observation and this reward.
class Told : public DiscreteEnvironment {
 public:
  Told(float observation, float reward) : observation_{observation}, reward_(reward) {
    spec_.name = "Told";
    spec_.observation_size = 1;
    spec_.action_count = 2;
    spec_.time_limit = 10;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override { return observation_; }
  StepResult step(int) override { return {observation_, reward_, false, false}; }

 private:
  EnvironmentSpec spec_;
  std::vector<float> observation_;
  float reward_;
};

}  // namespace

TEST_CASE("is_finite() tells NaN and infinity from numbers") {
  for (const float bad : bad_floats()) CHECK_FALSE(is_finite(bad));
  for (const double bad : bad_doubles()) CHECK_FALSE(is_finite(bad));
  CHECK(is_finite(made_of(0x7f7fffffU)));
  CHECK(is_finite(made_of(std::uint64_t{0x7fefffffffffffff})));
}

TEST_CASE("an environment's observations and rewards are checked") {
  for (const float bad : bad_floats()) {
    CHECK_THROWS_AS(make_checked(std::make_unique<Told>(bad, 1.0F))->reset(1), ArgumentError);
    const auto environment = make_checked(std::make_unique<Told>(1.0F, bad));
    environment->reset(1);
    CHECK_THROWS_AS(environment->step(0), ArgumentError);
    const auto sound = make_checked(std::make_unique<Told>(1.0F, 1.0F));
    sound->reset(1);
    CHECK_THROWS_AS(sound->step(Action(&bad, 1)), ArgumentError);
    CHECK_THROWS_AS(make_scaled(std::make_unique<Told>(1.0F, 1.0F), {.offset = {bad}, .scale = {1}}),
                    ArgumentError);
  }
}

TEST_CASE("the bounds of continuous actions are checked") {
  const float nan = made_of(0x7fc00000U), infinity = made_of(0x7f800000U), minus = made_of(0xff800000U);
  const auto check = [](float low, float high) { check_action_space("a space", {{}, {low}, {high}}); };
  for (const auto& [low, high] :
       {std::pair(nan, 1.0F), std::pair(1.0F, nan), std::pair(nan, nan), std::pair(nan, infinity),
        std::pair(minus, nan), std::pair(infinity, 1.0F), std::pair(infinity, infinity),
        std::pair(1.0F, minus), std::pair(minus, minus), std::pair(1.0F, 1.0F), std::pair(2.0F, 1.0F)}) {
    CHECK_THROWS_AS(check(low, high), ArgumentError);
  }
  for (const auto& [low, high] : {std::pair(minus, infinity), std::pair(minus, 1.0F),
                                  std::pair(1.0F, infinity), std::pair(1.0F, 2.0F)}) {
    CHECK_NOTHROW(check(low, high));
  }
}

TEST_CASE("weights and gradients are checked") {
  for (const float bad : bad_floats()) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{8}, std::size_t{18}}) {
      std::vector<float> weights(19, 0.5F);
      weights[at] = bad;
      CHECK(first_non_finite(weights) == at);
      CHECK_FALSE(is_finite(euclidean_norm(weights)));
      CHECK_THROWS_AS(clip_gradient(weights, 1), WorkerError);
      std::vector<float> into(19, 1.0F);
      CHECK_THROWS_AS(weighted_average(into, weights, 0.5), ArgumentError);
      CHECK(into == std::vector<float>(19, 1.0F));
    }
  }
}

TEST_CASE("numbers that a user gives are checked") {
  const NetworkSpec spec{.observation = {2}, .policy = 2, .values = 1};
  const auto network = mlp_network({.hidden = {2}})(spec, 1);
  for (const double bad : bad_doubles()) {
    Hyperparameters hyperparameters;
    hyperparameters.learning_rate = bad;
    CHECK_THROWS_AS(hyperparameters.check(), ArgumentError);
    CHECK_THROWS_AS(check_mixing_weight(bad, "alpha"), ArgumentError);
    CHECK_THROWS_AS(PolicyAverage({PolicyAverageKind::kEma, bad, 0}), ArgumentError);
    for (double GradientCheckOptions::*const field :
         {&GradientCheckOptions::step, &GradientCheckOptions::tolerance}) {
      GradientCheckOptions options;
      options.*field = bad;
      CHECK_THROWS_AS(check_gradients(*network, spec, options), ArgumentError);
    }
  }
}

TEST_CASE("the limits of a Parent are checked") {
  const ParameterLayout layout({{"w", {1}}});
  ParentOptions options;
  options.listen = {Endpoint::parse("127.0.0.1:0")};
  CHECK_NOTHROW(Parent(options, layout, {1.0F}));
  for (const double bad : bad_doubles()) {
    ParentOptions growth = options;
    growth.max_norm_growth = bad;
    CHECK_THROWS_AS(Parent(growth, layout, {1.0F}), ArgumentError);
    ParentOptions rate = options;
    rate.limits.connection_rate = bad;
    CHECK_THROWS_AS(Parent(rate, layout, {1.0F}), ArgumentError);
  }
}

TEST_CASE("both ends of a codec know the same where subnormal numbers are flushed to zero") {
  const ParameterLayout layout({{"a", {3}}});
  const std::vector<float> first{1e-39F, 1.5e-38F, 1}, second{0, 0.5e-38F, 0.3F};
  WeightEncoder encoder(CodecKind::kInt8Delta, layout, CodedContent::kWeights);
  encoder.begin(first);
  std::vector<std::byte> bytes;
  encoder.encode(second, bytes, 0);
  // Made with Python's struct and xxhash modules, which flush nothing.
  CHECK(test::hex(bytes) == "2fb879c8d523a39e6c9cb43b000081");
  encoder.encode(second, bytes, 0);
  CHECK(test::hex(bytes).substr(0, 16) == "883d399697430e70");
}

TEST_CASE("what is not finite is written as float32 in every codec") {
  const ParameterLayout layout({{"a", {3}}});
  for (const CodecKind kind : kCodecKinds) {
    for (const std::uint32_t bits : {0x7F800000U, 0xFF800000U, 0x7FC00000U}) {
      WeightEncoder encoder(kind, layout, CodedContent::kChanges);
      std::vector<std::byte> bytes;
      CHECK(encoder.encode(std::vector<float>{1, std::bit_cast<float>(bits), 2}, bytes, 0) ==
            CodecKind::kFloat32);
    }
  }
}

TEST_CASE("a frame's mean return is checked") {
  const std::vector<float> weights(4, 0.5F);
  for (const double bad : bad_doubles()) {
    FrameHeader header;
    header.mean_return = bad;
    std::vector<std::byte> frame;
    encode_frame(header, weights, frame);
    std::vector<float> read(4);
    const auto decoded = decode_frame(frame, read);
    REQUIRE(decoded.ok());
    CHECK(std::bit_cast<std::uint64_t>(decoded.value().mean_return) == 0);
  }
}
