// What is evaluated and kept is the average; what learns is not touched by it.
#include "genkidama/params/policy_average.h"

#include <algorithm>

#include "fixture.h"
#include "genkidama/core/random.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

using Words = std::vector<std::string>;

void run_well(Words words) {
  const auto result = run_program(std::move(words));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
}

// One worker: the run can be repeated bit for bit.
Words train(const std::filesystem::path& run, const Words& more, const std::string& eval_episodes = "0") {
  Words words = call("train", "--workers", "1", "--seed", "3", "--eval-episodes", eval_episodes, "--run-dir",
                     run.string());
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::vector<float> weights_of(const std::filesystem::path& file) {
  return read_safetensors(file).weights;
}

std::filesystem::path checkpoint(const std::filesystem::path& run, int update) {
  std::string number = std::to_string(update);
  number.insert(0, 6 - number.size(), '0');
  return run / "checkpoints" / ("update_" + number + ".safetensors");
}

std::vector<float> live_weights(const std::filesystem::path& run) {
  std::vector<float> weights = weights_of(run / "state.safetensors");
  weights.resize(read_safetensors(run / "final.safetensors").layout.size());
  return weights;
}

std::vector<float> saved_average(const std::filesystem::path& run) {
  const Checkpoint state = read_safetensors(run / "state.safetensors");
  REQUIRE(state.layout.tensors().back().name == "genkidama.policy_average");
  const auto size = static_cast<std::ptrdiff_t>(state.layout.tensors().back().count);
  return {state.weights.end() - size, state.weights.end()};
}

}  // namespace

TEST_CASE("checkpoints hold the average, and neither it nor its evaluations change the learning") {
  const TemporaryDirectory directory;
  const auto plain = directory / "plain";
  const auto averaged = directory / "averaged";
  run_well(train(plain, {"--updates", "20", "--checkpoint-every", "1"}));
  run_well(train(averaged,
                 {"--updates", "20", "--checkpoint-every", "1", "--policy-average", "ema", "--average-decay",
                  "0.8", "--target", "1000", "--evaluate-every", "5", "--target-episodes", "3"},
                 "4"));
  CHECK(live_weights(averaged) == live_weights(plain));
  CHECK(timeless_csv_of(averaged / "metrics.csv") == timeless_csv_of(plain / "metrics.csv"));
  CHECK(csv_of(averaged / "evaluations.csv").size() == 5);

  PolicyAverage expected({PolicyAverageKind::kEma, 0.8, 0.5});
  for (int update = 1; update <= 20; ++update) {
    CAPTURE(update);
    expected.add(weights_of(checkpoint(plain, update)));
    CHECK(weights_of(checkpoint(averaged, update)) == expected.state().weights);
  }
  const Checkpoint last = read_safetensors(averaged / "final.safetensors");
  CHECK(last.weights == expected.state().weights);
  CHECK(last.weights != live_weights(averaged));
  CHECK(last.metadata.at("policy_average") == "ema 0.8");
  CHECK(last.metadata.at("policy_average_count") == "20");
  CHECK(read_safetensors(plain / "final.safetensors").metadata.count("policy_average") == 0);
  CHECK(saved_average(averaged) == expected.state().weights);
  CHECK(json_of(averaged / "summary.json")["policy_average"] == "ema 0.8");
  CHECK(json_of(plain / "summary.json")["policy_average"] == "none");

  // The final evaluation is of what final.safetensors holds.
  const auto file = directory / "evaluation.json";
  run_well(call("evaluate", "--checkpoint", (averaged / "final.safetensors").string(), "--episodes", "4",
                "--seed", "7", "--workers", "1", "--json", file.string()));
  CHECK(json_of(file)["mean"] == json_of(averaged / "summary.json")["final_evaluation"]["mean"]);
}

TEST_CASE("evaluations for the target play with the average") {
  const TemporaryDirectory directory;
  const auto target_evaluation = [&](const std::string& name, const std::string& kind) {
    const auto run = directory / name;
    run_well(train(run, {"--updates", "15", "--learning-rate", "0.002", "--policy-average", kind, "--target",
                         "1000", "--evaluate-every", "15", "--target-episodes", "20"}));
    const auto rows = csv_of(run / "evaluations.csv");
    REQUIRE(rows.size() == 2);
    CHECK(rows[0][4] == "return_mean");
    return std::stod(rows[1][4]);
  };
  const double averaged = target_evaluation("averaged", "ema");
  CHECK(averaged != target_evaluation("plain", "none"));
  const auto file = directory / "evaluation.json";
  run_well(call("evaluate", "--checkpoint", (directory / "averaged" / "final.safetensors").string(),
                "--episodes", "20", "--seed", std::to_string(derive_seed(7, {15})), "--workers", "1",
                "--json", file.string()));
  CHECK(json_of(file)["mean"].get<double>() == Approx(averaged).epsilon(1e-5));
}

TEST_CASE("a resumed run averages like one that was never interrupted") {
  const TemporaryDirectory directory;
  const auto check_same = [&](const Words& options, const Words& until_pause, const Words& to_the_end) {
    const TemporaryDirectory place;
    const auto whole = place / "whole";
    const auto parts = place / "parts";
    Words words = options;
    words.insert(words.end(), {"--updates", "40"});
    run_well(train(whole, words));
    words = options;
    words.insert(words.end(), until_pause.begin(), until_pause.end());
    run_well(train(parts, words));
    words = call("train", "--resume", parts.string(), "--updates", "40");
    words.insert(words.end(), to_the_end.begin(), to_the_end.end());
    run_well(words);
    CAPTURE(options, until_pause);
    CHECK(file_text(whole / "final.safetensors") == file_text(parts / "final.safetensors"));
    CHECK(live_weights(whole) == live_weights(parts));
    CHECK(saved_average(whole) == saved_average(parts));
  };
  check_same({"--policy-average", "ema"}, {"--updates", "15"}, {});
  // Any evaluation reaches the first target, which ends the run in the midst of the averaging.
  check_same({"--policy-average", "swa"},
             {"--updates", "40", "--target", "-1", "--evaluate-every", "30", "--target-episodes", "1"},
             {"--target", "1000"});
  // Of a run that had ended before, the averaging starts anew.
  check_same({"--policy-average", "swa"}, {"--updates", "15"}, {});
}

TEST_CASE("swa is the mean of the weights from its share of the run on") {
  const TemporaryDirectory directory;
  const auto plain = directory / "plain";
  const auto averaged = directory / "averaged";
  run_well(train(plain, {"--updates", "12", "--checkpoint-every", "1"}));
  run_well(train(averaged, {"--updates", "12", "--checkpoint-every", "1", "--policy-average", "swa",
                            "--average-from", "0.75"}));
  // Until then the weights themselves are kept.
  CHECK(weights_of(checkpoint(averaged, 8)) == weights_of(checkpoint(plain, 8)));
  CHECK(read_safetensors(checkpoint(averaged, 8)).metadata.at("policy_average_count") == "0");
  PolicyAverage expected({PolicyAverageKind::kSwa, 0.9, 0});
  for (int update = 9; update <= 12; ++update) expected.add(weights_of(checkpoint(plain, update)));
  CHECK(weights_of(averaged / "final.safetensors") == expected.state().weights);
  const auto metadata = read_safetensors(averaged / "final.safetensors").metadata;
  CHECK(metadata.at("policy_average") == "swa from 0.75");
  CHECK(metadata.at("policy_average_count") == "4");
}

TEST_CASE("averaging may begin, change and end when a run is resumed") {
  const TemporaryDirectory directory;
  const auto plain = directory / "plain";
  const auto run = directory / "run";
  run_well(train(plain, {"--updates", "12"}));
  run_well(train(run, {"--updates", "3"}));
  const auto resume = [&](const std::string& updates, const std::string& kind) {
    run_well(call("train", "--resume", run.string(), "--updates", updates, "--policy-average", kind));
    return read_safetensors(run / "final.safetensors").metadata;
  };
  CHECK(resume("6", "ema").at("policy_average_count") == "3");
  CHECK(resume("9", "swa").at("policy_average_count") == "3");
  CHECK(resume("12", "none").count("policy_average") == 0);
  CHECK(file_text(run / "final.safetensors") == file_text(plain / "final.safetensors"));
}

TEST_CASE("a Parent keeps the average of its merges, and its Children go on with the weights themselves") {
  const TemporaryDirectory directory;
  const auto run = directory / "parent";
  const auto train_with_child = [&](const Words& parent_words) {
    RunningProgram parent(parent_words);
    RunningProgram child(call("child", "--connect", "127.0.0.1:" + listening_port(parent), "--workers", "1",
                              "--beta", "1", "--eval-episodes", "0", "--run-dir",
                              (directory / ("child_" + std::to_string(parent.pid()))).string()));
    const auto result = parent.wait();
    CAPTURE(result.errors);
    REQUIRE(result.exit_code == 0);
    CHECK(child.wait().exit_code == 0);
  };
  train_with_child(call("parent", "--listen", "127.0.0.1:0", "--updates", "12", "--policy-average", "ema",
                        "--average-decay", "0.5", "--eval-episodes", "2", "--run-dir", run.string()));
  CHECK(read_safetensors(run / "final.safetensors").metadata.at("policy_average_count") == "12");
  const auto before = weights_of(run / "final.safetensors");
  CHECK(before == saved_average(run));
  CHECK(before != live_weights(run));

  // One update more, so that what it must give can be told.
  train_with_child(call("parent", "--resume", run.string(), "--updates", "13"));
  PolicyAverage expected({PolicyAverageKind::kEma, 0.5, 0.5});
  expected.restore({12, before});
  expected.add(live_weights(run));
  CHECK(weights_of(run / "final.safetensors") == expected.state().weights);
}

TEST_CASE("a cluster averages at its Parent only") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  run_well(call("cluster", "--children", "1", "--workers", "1", "--updates", "60", "--policy-average", "swa",
                "--eval-episodes", "0", "--run-dir", run.string()));
  const auto metadata = read_safetensors(run / "final.safetensors").metadata;
  CHECK(metadata.at("policy_average") == "swa from 0.5");
  CHECK(metadata.at("policy_average_count") == "31");  // from update 30 to 60
  CHECK(json_of(run / "children" / "child_1" / "config.json")["policy_average"] == "none");
}
