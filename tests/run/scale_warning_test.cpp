// The warning that nothing is learnt because rewards or steps of learning are too large.
#include "run/scale_warning.h"

#include <fmt/format.h>

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

/// What is logged at these rounds.
std::vector<std::string> warnings(const std::vector<RoundReport>& rounds, const RunOptions& options = {}) {
  std::vector<std::string> texts;
  set_log_sink([&](LogLevel level, std::string_view text) {
    if (level == LogLevel::kWarning) texts.emplace_back(text);
  });
  ScaleWarning warning;
  for (const RoundReport& round : rounds) warning.follow(round, options);
  set_log_sink({});
  return texts;
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
