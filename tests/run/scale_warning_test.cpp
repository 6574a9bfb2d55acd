// The warning that nothing is learnt because rewards or steps of learning are too large.
#include "run/scale_warning.h"

#include <fmt/format.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/core/log.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::run;

namespace {

RoundReport round_with(double value_loss, std::vector<double> returns) {
  RoundReport round;
  round.value_loss = value_loss;
  for (const double episode_return : returns) round.episodes.push_back({episode_return, 10, false});
  return round;
}

std::vector<std::string> warnings(const std::function<void(ScaleWarning&)>& follow) {
  std::vector<std::string> texts;
  set_log_sink([&](LogLevel level, std::string_view text) {
    if (level == LogLevel::kWarning) texts.emplace_back(text);
  });
  ScaleWarning warning;
  follow(warning);
  set_log_sink({});
  return texts;
}

/// What is logged at these rounds.
std::vector<std::string> warnings(const std::vector<RoundReport>& rounds, const RunOptions& options = {}) {
  return warnings([&](ScaleWarning& warning) {
    for (const RoundReport& round : rounds) warning.follow(round, options);
  });
}

}  // namespace

TEST_CASE("returns of usual tasks earn no warning about their scale") {
  CHECK(warnings({round_with(3e5, {-1800, -1500}), round_with(0, {}), round_with(9e7, {9000})}).empty());
}

TEST_CASE("rewards that are too large earn one warning that names the reward scale") {
  const auto texts = warnings({round_with(1, {20}), round_with(3e13, {-1e9, 2e7}), round_with(4e13, {2e9})});
  REQUIRE(texts.size() == 1);
  CHECK(texts[0] ==
        "the value loss is 3e+13, and returns are up to 1e+09 in size; rewards are too large to learn from: "
        "choose reward_scale so that it makes returns of about 1 to 100");
}

TEST_CASE("a value loss that is too large for its returns points to the learning rate") {
  RunOptions options;
  options.option_name = [](std::string_view field) { return fmt::format("<{}>", field); };
  for (const double loss :
       {1e9, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    const auto texts = warnings({round_with(loss, {20, 30})}, options);
    REQUIRE(texts.size() == 1);
    CHECK(texts[0].find("lower <learning_rate>, set <max_gradient_norm>") != std::string::npos);
  }
  CHECK(warnings({round_with(1e9, {})}).size() == 1);  // no episode has ended yet
}

TEST_CASE("weights far above those of networks that learn earn one warning that says what to try") {
  RunOptions options;
  options.option_name = [](std::string_view field) { return fmt::format("<{}>", field); };
  const auto texts = warnings([&](ScaleWarning& warning) {
    warning.follow_weights(std::vector<float>(1'000, 0.9F), 1, options);
    warning.follow_weights({}, 2, options);
    // An error tells of these.
    warning.follow_weights(std::vector<float>(8, std::numeric_limits<float>::quiet_NaN()), 3, options);
    warning.follow_weights(std::vector<float>(1'000, -60.0F), 4, options);
    warning.follow_weights(std::vector<float>(1'000, 600.0F), 5, options);
  });
  REQUIRE(texts.size() == 1);
  CHECK(texts[0].find("the weights are 60 in size after update 4") == 0);
  CHECK(texts[0].find("lower <learning_rate>, or set <max_gradient_norm>") != std::string::npos);
  // One large weight is none of many.
  CHECK(warnings([&](ScaleWarning& warning) {
          std::vector<float> weights(10'000, 0.1F);
          weights[7] = 400;
          warning.follow_weights(weights, 1, options);
        }).empty());
}
