#include <cmath>
#include <fstream>

#include "bad_argument.h"
#include "cli/terminal/text_table.h"
#include "fixture.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/params/safetensors.h"
#include "run/directory/checkpoint_list.h"
#include "run/metrics/csv_table.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;
using namespace genkidama::test;

namespace {

using Path = std::filesystem::path;

void write_checkpoint(const Path& path, const std::string& update) {
  std::filesystem::create_directories(path.parent_path());
  Checkpoint checkpoint;
  checkpoint.layout = ParameterLayout({{"w", {1}}});
  checkpoint.weights = {1};
  if (!update.empty()) checkpoint.metadata["update"] = update;
  write_safetensors(path, checkpoint);
}

// A run of the test program with checkpoints at 5, 10 and 12.
void make_run(const Path& run, const std::string& preset = "thesis") {
  REQUIRE(
      run_program(call("train", "--preset", preset, "--workers", "1", "--updates", "12", "--checkpoint-every",
                       "5", "--learning-rate", "0.01", "--eval-episodes", "0", "--run-dir", run.string()))
          .exit_code == 0);
}

}  // namespace

TEST_CASE("several checkpoints evaluated at once give what each gives alone", "[forks]") {
  const TemporaryDirectory directory;
  const Path run = directory / "run";
  make_run(run);
  const auto evaluate = [&](std::vector<std::string> checkpoints, const std::string& workers) {
    std::vector<std::string> words = call("evaluate", "--episodes", "6", "--seed", "3", "--workers", workers);
    words.insert(words.end(),
                 {"--json", (directory / "x.json").string(), "--csv", (directory / "x.csv").string(),
                  "--returns", (directory / "r.csv").string(), "--checkpoint"});
    words.insert(words.end(), checkpoints.begin(), checkpoints.end());
    const auto result = run_program(words);
    CAPTURE(words, result.errors);
    REQUIRE(result.exit_code == 0);
    return std::pair(result.output, json_of(directory / "x.json"));
  };
  const auto [table, all] = evaluate({run.string()}, "2");
  REQUIRE(all.is_array());
  REQUIRE(all.size() == 3);
  CHECK(table.find("3 checkpoints on CartPole-v1, 6 episodes each (seed 3, sampled actions)") == 0);
  CHECK(table.find("95 % interval") != std::string::npos);
  CHECK(table.find(">= 475") != std::string::npos);

  const auto rows = csv_of(directory / "x.csv");
  REQUIRE(rows.size() == 4);
  CHECK(rows[0][0] == "checkpoint");
  const auto returns = csv_of(directory / "r.csv");
  REQUIRE(returns.size() == 4);
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < 3; ++i) {
    const int update = std::vector<int>{5, 10, 12}[i];
    CHECK(all[i]["update"] == update);
    CHECK(rows[i + 1][1] == std::to_string(update));
    CHECK(rows[i + 1][3] == "6");
    CHECK(std::stod(rows[i + 1][6]) == Approx(all[i]["mean"].get<double>()));
    std::istringstream numbers(returns[i + 1][2]);
    double sum = 0;
    for (double value = 0; numbers >> value;) sum += value;
    CHECK(sum / 6 == Approx(all[i]["mean"].get<double>()).margin(0.05));
    paths.push_back(all[i]["checkpoint"].get<std::string>());
  }
  CHECK(all[0]["mean"] != all[1]["mean"]);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [text, alone] = evaluate({paths[i]}, "1");
    CHECK(alone == all[i]);
    CHECK(text.find(paths[i] + " on CartPole-v1\n  episodes ") == 0);
    CHECK(csv_of(directory / "x.csv")[1] == rows[i + 1]);
  }
  CHECK(evaluate({paths[2], paths[0]}, "1").second == nlohmann::json::array({all[2], all[0]}));
}

TEST_CASE("evaluate writes no file twice, and none over a checkpoint", "[forks]") {
  const TemporaryDirectory directory;
  const Path run = directory / "run";
  make_run(run);
  const std::string checkpoint = (run / "final.safetensors").string();
  const std::string before = file_text(checkpoint);
  const std::string file = (directory / "x").string();
  std::filesystem::create_symlink("x", directory / "link");
  const auto refuse = [&](const std::vector<std::string>& flags, const std::string& expected) {
    auto words = call("evaluate", "--workers", "1", "--episodes", "1", "--checkpoint", checkpoint);
    words.insert(words.end(), flags.begin(), flags.end());
    check_bad_argument(words, expected);
    CHECK_FALSE(std::filesystem::exists(file));
  };
  refuse({"--csv", file, "--json", file}, "--json and --csv are the same file");
  refuse({"--returns", file, "--json", file}, "--json and --returns are the same file");
  refuse({"--returns", file, "--csv", (directory / "." / "x").string()}, "--csv and --returns are the same");
  refuse({"--csv", file, "--json", (directory / "link").string()}, "--json and --csv are the same file");
  refuse({"--csv", checkpoint}, "a checkpoint that is to be evaluated");
  CHECK(file_text(checkpoint) == before);
  // A device takes as much as one likes.
  CHECK(run_program(call("evaluate", "--workers", "1", "--episodes", "1", "--checkpoint", checkpoint, "--csv",
                         "/dev/null", "--json", "/dev/null"))
            .exit_code == 0);
}

TEST_CASE("evaluate says that a policy which samples nothing cannot sample", "[forks]") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  REQUIRE(
      run_program(call("train", "--preset", "dqn", "--workers", "1", "--updates", "1", "--round-steps", "100",
                       "--replay-capacity", "1000", "--eval-episodes", "0", "--run-dir", run.string()))
          .exit_code == 0);
  for (const bool greedy : {false, true}) {
    const auto result = run_program(call("evaluate", "--checkpoint", (run / "final.safetensors").string(),
                                         "--episodes", "2", greedy ? "--greedy=true" : "--greedy=false"));
    CAPTURE(result.errors);
    CHECK(result.exit_code == 0);
    CHECK((result.errors.find("--greedy has no effect: this policy samples nothing") == std::string::npos) ==
          greedy);
  }
}

TEST_CASE("a run with noisy layers resumes exactly, and its policies need no flag to be evaluated",
          "[forks]") {
  const TemporaryDirectory directory;
  for (const std::string loss : {"dqn", "qr_dqn"}) {
    CAPTURE(loss);
    const auto words = [&](const std::string& run) {
      return call("train", "--preset", "dqn", "--loss", loss, "--noisy-layers", "--workers", "1", "--seed",
                  "3", "--round-steps", "200", "--schedule-steps", "2000", "--learning-starts", "300",
                  "--replay-capacity", "2000", "--eval-episodes", "5", "--run-dir", run);
    };
    const auto run = directory / loss, whole = directory / (loss + "_whole");
    REQUIRE(run_program(with(words(run.string()), {"--updates", "3"})).exit_code == 0);
    const auto resumed = run_program(call("train", "--resume", run.string(), "--updates", "6"));
    CAPTURE(resumed.errors);
    REQUIRE(resumed.exit_code == 0);
    const auto config = json_of(run / "config.json");
    CHECK(config["noisy_layers"] == true);
    CHECK(config["epsilon"] == 0);
    REQUIRE(run_program(with(words(whole.string()), {"--updates", "6"})).exit_code == 0);
    CHECK(read_safetensors(run / "final.safetensors").weights ==
          read_safetensors(whole / "final.safetensors").weights);

    const std::string file = (whole / "final.safetensors").string();
    const auto evaluated = run_program(
        call("evaluate", "--checkpoint", file, "--episodes", "5", "--json", (directory / "x.json").string()));
    CAPTURE(evaluated.errors);
    REQUIRE(evaluated.exit_code == 0);
    CHECK(json_of(directory / "x.json")["mean"] ==
          json_of(whole / "summary.json")["final_evaluation"]["mean"]);
    // Its deviations would be left over.
    const auto silent = run_program(call("evaluate", "--checkpoint", file, "--noisy-layers=false"));
    CHECK(silent.exit_code == 2);
    CHECK(silent.errors.find("pi1.weight_sigma") != std::string::npos);
  }
}

TEST_CASE("bad checkpoints among good ones are refused before anything is played", "[forks]") {
  const TemporaryDirectory directory;
  const Path run = directory / "run";
  make_run(run);
  const std::string good = (run / "final.safetensors").string();
  const auto refuse = [&](const Path& bad, const std::string& expected) {
    const auto csv = directory / "x.csv";
    const auto result = run_program(call("evaluate", "--workers", "1", "--csv", csv.string(), "--checkpoint",
                                         good, "--checkpoint", bad.string()));
    CAPTURE(result.errors);
    CHECK(result.exit_code == 2);
    CHECK(result.output.empty());
    CHECK(result.errors.find("error: --checkpoint") == 0);
    CHECK(result.errors.find(expected) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(csv));
  };
  refuse(directory / "none.safetensors", "there is no such file");
  std::ofstream(directory / "text.safetensors") << "not a checkpoint";
  refuse(directory / "text.safetensors", "text.safetensors");
  write_checkpoint(directory / "foreign.safetensors", "1");
  refuse(directory / "foreign.safetensors", "foreign.safetensors");
  Checkpoint relabelled = read_safetensors(good);
  CHECK(relabelled.metadata.at("network") == "mlp 128 tanh");
  relabelled.metadata["network"] = "mlp 128 relu";
  write_safetensors(directory / "relabelled.safetensors", relabelled);
  refuse(directory / "relabelled.safetensors", "'mlp 128 relu', and this network is 'mlp 128 tanh'");
  make_run(directory / "other", "other");
  refuse(directory / "other" / "final.safetensors", "with the preset 'thesis'");
  refuse(directory / "other" / "final.safetensors", "with 'other'");

  // A run's options may have changed its preset's network.
  const auto changed = (directory / "changed").string();
  CHECK(run_program(call("train", "--workers", "1", "--updates", "2", "--eval-episodes", "0", "--run-dir",
                         changed, "--hidden", "9", "--activation", "relu", "--trunk", "shared"))
            .exit_code == 0);
  const auto found = run_program(
      call("evaluate", "--workers", "1", "--episodes", "2", "--checkpoint", changed + "/final.safetensors"));
  CAPTURE(found.errors);
  CHECK(found.exit_code == 0);
  refuse(changed + "/final.safetensors", "'mlp 9 relu shared', and this network is 'mlp 128 tanh'");

  // Whoever names a preset gets its network, which the other weights then do not fit.
  const auto named =
      run_program(call("evaluate", "--workers", "1", "--preset", "other", "--episodes", "2", "--checkpoint",
                       (directory / "other" / "final.safetensors").string(), good));
  CHECK(named.exit_code == 2);
  CHECK(named.errors.find("pi1") != std::string::npos);
}
