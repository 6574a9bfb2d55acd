#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "compiled_header.h"
#include "exported_policies.h"
#include "genkidama/core/error.h"
#include "genkidama/run/export.h"
#include "library_policy.h"
#include "run/export/weight_form.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr int kObservations = 10'000, kEpisode = 50;
// Rounding grows with the numbers that are added.
constexpr double kTolerance = 1e-6;

double largest(const std::vector<float>& values) {
  double largest = 1;
  for (const float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

double distance(const std::vector<float>& values, const std::vector<float>& expected) {
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) return std::numeric_limits<double>::infinity();
    distance = std::max(distance, std::abs(static_cast<double>(values[i]) - expected[i]));
  }
  return distance;
}

/// Holds the header of a policy against the library, whose weights are rounded to the same form.
void compare_with_library(const ExportedCase& policy, run::WeightForm form) {
  CAPTURE(policy.name, run::weight_form_name(form));
  const TemporaryDirectory directory;
  write_policy(directory / "p", policy);
  Checkpoint rounded = read_safetensors(directory / "p");
  run::round_matrices(form, rounded.layout, rounded.weights);
  write_safetensors(directory / "rounded", rounded);
  LibraryPolicy library(directory / "rounded");
  const auto exported = run::export_policy(directory / "p", {.prefix = "robot", .weights = form});
  const bool is_sampled = policy.behaviour != "deterministic" && !policy.behaviour.starts_with("greedy");
  const CompiledHeader header(directory.path(), exported.bytes, policy.actions.is_one_choice(), is_sampled);
  CHECK(header.self_test() == 0);

  Random random(11);
  double worst = 0, worst_action = 0, worst_sample = 0;
  int other_choices = 0;
  std::vector<float> outputs(static_cast<std::size_t>(policy.sizes.policy)), action(policy.actions.width());
  for (int i = 0; i < kObservations; ++i) {
    if (i % kEpisode == 0) {
      header.forget();
      std::fill(library.state.begin(), library.state.end(), 0.0f);
    }
    const auto observation = library.observation(random);
    const auto mask = i % 2 == 0 ? std::vector<std::uint8_t>() : library.mask(random);
    const std::uint8_t* const mask_bytes = mask.empty() ? nullptr : mask.data();
    const auto expected = library.outputs(observation);
    REQUIRE(header.compute(observation.data(), outputs.data()) == 1);
    worst = std::max(worst, distance(outputs, expected) / largest(expected));

    // By the header's own outputs, so that no choice is too close to call.
    const bool samples = is_sampled && i % 4 < 2;
    const auto numbers = library.numbers(random);
    const auto best = library.action(outputs, mask, samples ? Acting::kSampling : Acting::kGreedy, random);
    const int code = samples ? header.sample(observation.data(), mask_bytes, numbers.data(), action.data())
                             : header.act(observation.data(), mask_bytes, action.data());
    REQUIRE(code == 0);
    for (std::size_t k = 0; k < policy.actions.choices.size(); ++k) {
      if (action[k] != best[k]) ++other_choices;
    }
    auto& worst_of = samples ? worst_sample : worst_action;
    const auto components = static_cast<std::ptrdiff_t>(policy.actions.choices.size());
    const std::vector<float> continuous(action.begin() + components, action.end());
    const std::vector<float> of_library(best.begin() + components, best.end());
    worst_of = std::max(worst_of, distance(continuous, of_library) / largest(of_library));
  }
  // int8 is multiplied by its scale behind the sum, and the library's rounded weights before it.
  const double tolerance = form == run::WeightForm::kInt8 ? 4 * kTolerance : kTolerance;
  CHECK(worst <= tolerance);
  CHECK(worst_action <= tolerance);
  CHECK(worst_sample <= 10 * tolerance);
  CHECK(other_choices == 0);
}

}  // namespace

TEST_CASE("an exported header computes what the library computes") {
  for (const ExportedCase& policy : exported_cases()) compare_with_library(policy, run::WeightForm::kFloat32);
}

TEST_CASE("an exported header of fewer bits computes what the library computes with rounded weights") {
  const std::vector<ExportedCase> cases = exported_cases();
  for (const auto form : {run::WeightForm::kFloat16, run::WeightForm::kInt8}) {
    compare_with_library(cases.front(), form);
    compare_with_library(cases.back(), form);
  }
}

TEST_CASE("fewer bits are refused for what they cannot hold") {
  const TemporaryDirectory directory;
  write_policy(directory / "p", exported_cases().front());
  CHECK_THROWS_AS(run::export_policy(directory / "p",
                                     {.format = run::ExportFormat::kOnnx, .weights = run::WeightForm::kInt8}),
                  ArgumentError);
  Checkpoint file = read_safetensors(directory / "p");
  file.weights[3] = 70'000;
  write_safetensors(directory / "p", file);
  CHECK_THROWS_AS(run::export_policy(directory / "p", {.weights = run::WeightForm::kFloat16}), ArgumentError);
  CHECK_NOTHROW(run::export_policy(directory / "p", {.weights = run::WeightForm::kInt8}));
}

TEST_CASE(
    "an exported header gives no action for numbers that are not finite, and none where all is forbidden") {
  for (const ExportedCase& policy : exported_cases()) {
    CAPTURE(policy.name);
    const TemporaryDirectory directory;
    write_policy(directory / "p", policy);
    const auto exported = run::export_policy(directory / "p", {.prefix = "robot"});
    const CompiledHeader header(directory.path(), exported.bytes, policy.actions.is_one_choice(), false);
    header.forget();
    std::vector<float> observation(static_cast<std::size_t>(policy.sizes.observation_size()), 0.5f);
    std::vector<float> outputs(static_cast<std::size_t>(policy.sizes.policy)), action(policy.actions.width());
    const std::vector<std::uint8_t> nothing(policy.actions.alternatives(), 0);
    CHECK(header.act(observation.data(), nullptr, action.data()) == 0);
    if (!nothing.empty()) CHECK(header.act(observation.data(), nothing.data(), action.data()) == -1);
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
      observation.back() = bad;
      CHECK(header.compute(observation.data(), outputs.data()) == 0);
      CHECK(header.act(observation.data(), nullptr, action.data()) == -1);
    }
  }
}

TEST_CASE("an exported header notices that it computes something else") {
  const TemporaryDirectory directory;
  const ExportedCase policy = exported_cases().front();
  write_policy(directory / "p", policy);
  auto exported = run::export_policy(directory / "p", {.prefix = "robot"});
  const std::string bias = "robot_pi3_bias[4] = {\n  ";
  const std::size_t at = exported.bytes.find(bias);
  REQUIRE(at != std::string::npos);
  const std::size_t number = at + bias.size();
  exported.bytes.replace(number, exported.bytes.find(',', number) - number, "3.0f");
  const CompiledHeader header(directory.path(), exported.bytes, true, true);
  CHECK(header.self_test() == 1);
}

TEST_CASE("text of a policy's file cannot become code of its header") {
  const TemporaryDirectory directory;
  ExportedCase policy = exported_cases().front();
  PolicyRecord record = write_policy(directory / "p", policy);
  Checkpoint file = read_safetensors(directory / "p");
  const std::string attack = "x */ int evil; /* ?\?/\n@$ \\";
  file.metadata["environment"] = attack;
  write_safetensors(directory / "p", file);
  const auto exported = run::export_policy(directory / "p");
  CHECK(exported.prefix == "x_int_evil");
  const std::string head = exported.bytes.substr(0, exported.bytes.find("#ifndef"));
  CHECK(head.find("*/") == head.rfind("*/"));
  CHECK(head.find('?') == std::string::npos);
  CHECK(head.find('\\') == std::string::npos);
  CHECK(exported.bytes.find("int evil") == head.find("int evil"));
}

TEST_CASE("identifiers follow from the environment's name or are given") {
  CHECK(run::export_prefix("LunarLander-v2") == "lunar_lander_v2");
  CHECK(run::export_prefix("gymnasium:CartPole-v1") == "gymnasium_cart_pole_v1");
  CHECK(run::export_prefix("2 Robots") == "robots");
  CHECK(run::export_prefix("\xc3\xa4\xc3\xb6") == "policy");
  CHECK(run::export_prefix("") == "policy");
  CHECK(run::export_prefix(std::string(200, 'a')).size() == 60);

  const TemporaryDirectory directory;
  write_policy(directory / "p", exported_cases().front());
  CHECK(run::export_policy(directory / "p").bytes.find("robot_v2_act(") != std::string::npos);
  for (const std::string bad : {"2x", "_x", "a-b", "a b", "\xc3\xa4", std::string(61, 'a').c_str()}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(run::export_policy(directory / "p", {.prefix = bad}), ArgumentError);
  }
}
