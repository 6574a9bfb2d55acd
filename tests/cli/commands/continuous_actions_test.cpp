#include <filesystem>
#include <tuple>

#include "fixture.h"
#include "support/catch.h"
#include "variable.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

using Path = std::filesystem::path;

ProgramResult train(const Path& run, std::vector<std::string> words) {
  std::vector<std::string> all =
      call("train", "--preset", "other", "--loss", "ppo", "--workers", "1", "--round-steps", "100",
           "--eval-episodes", "5", "--run-dir", run.string());
  all.insert(all.end(), words.begin(), words.end());
  return run_program(all);
}

}  // namespace

TEST_CASE("flags of continuous actions reach the network, the config and the policy, and evaluate needs none",
          "[forks]") {
  const Variable hybrid("GENKIDAMA_TEST_HYBRID", "1");
  const TemporaryDirectory directory;
  const Path run = directory / "run";
  const auto trained = train(run, {"--updates", "3", "--deviation", "state", "--action-bounds", "tanh",
                                   "--initial-log-deviation", "-0.5"});
  CAPTURE(trained.errors);
  REQUIRE(trained.exit_code == 0);
  const auto config = json_of(run / "config.json");
  CHECK(config["deviation"] == "state");
  CHECK(config["action_bounds"] == "tanh");
  CHECK(config["initial_log_deviation"] == -0.5);

  const std::string file = (run / "final.safetensors").string();
  const auto evaluated = run_program(
      call("evaluate", "--checkpoint", file, "--episodes", "5", "--json", (directory / "x.json").string()));
  CAPTURE(evaluated.errors);
  REQUIRE(evaluated.exit_code == 0);
  // The same episodes as the run's own evaluation, sampled with the same deviation.
  CHECK(json_of(directory / "x.json")["mean"] == json_of(run / "summary.json")["final_evaluation"]["mean"]);

  const auto other = run_program(call("evaluate", "--checkpoint", file, "--action-bounds", "clip"));
  CHECK(other.exit_code == 2);
  CHECK_THAT(other.errors, Contains("acts otherwise") && Contains("gaussian tanh state -0.5"));
  const auto fixed = run_program(call("evaluate", "--checkpoint", file, "--deviation", "fixed"));
  CHECK(fixed.exit_code == 2);
}

TEST_CASE("a run is not gone on with by other actions, and keeps its files", "[forks]") {
  const Variable hybrid("GENKIDAMA_TEST_HYBRID", "1");
  const TemporaryDirectory directory;
  const Path run = directory / "run";
  REQUIRE(train(run, {"--updates", "2"}).exit_code == 0);
  const auto files = [&run] {
    return std::vector{file_text(run / "config.json"), file_text(run / "metrics.csv"),
                       file_text(run / "state.safetensors"), file_text(run / "summary.json")};
  };
  const auto before = files();
  for (const auto& [flag, value, text] :
       {std::tuple("--action-bounds", "tanh",
                   "'categorical, gaussian clip', and here it is 'categorical, gaussian tanh'"),
        std::tuple("--normalise-observations", "true",
                   "normalisation is 'none', and here it is 'observations 10'"),
        std::tuple("--normalise-rewards", "true", "normalisation is 'none', and here it is 'rewards'")}) {
    CAPTURE(flag);
    const auto refused = run_program(call("train", "--resume", run.string(), "--updates", "3", flag, value));
    CAPTURE(refused.errors);
    CHECK(refused.exit_code == 2);
    CHECK_THAT(refused.errors, Contains("error: --resume " + run.string()) && Contains("--init-from FILE"));
    CHECK_THAT(refused.errors, Contains(text));
    CHECK(files() == before);
  }
  const auto begun = train(directory / "begun", {"--init-from", (run / "final.safetensors").string(),
                                                 "--action-bounds", "tanh", "--updates", "2"});
  CHECK(begun.exit_code == 2);
  CHECK_THAT(begun.errors, Contains("acts otherwise") && Contains("set --action-bounds clip"));
  CHECK(run_program(call("train", "--resume", run.string(), "--updates", "3", "--learning-rate", "0.001"))
            .exit_code == 0);
}

TEST_CASE("an option that has no effect is told", "[forks]") {
  const TemporaryDirectory directory;
  const auto told = [&](std::vector<std::string> words) {
    std::filesystem::remove_all(directory / "run");
    words.insert(words.end(), {"--updates", "2"});
    const auto result = train(directory / "run", words);
    CHECK(result.exit_code == 0);
    return result.errors;
  };
  CHECK_THAT(told({"--sequence-length", "7"}),
             Contains("--sequence-length has no effect: the network has no"));
  CHECK_THAT(told({"--sequence-length", "7", "--memory", "gru:4"}), !Contains("no effect"));
  CHECK_THAT(told({"--action-bounds", "tanh"}),
             Contains("--action-bounds has no effect: the actions of 'CartPole"));
  CHECK_THAT(told({"--patience", "2"}), Contains("--patience has no effect: 2 updates have 0 evaluations"));
  CHECK_THAT(told({"--patience", "1", "--evaluate-every", "1"}), !Contains("no effect"));
  CHECK_THAT(told({"--gamma", "0.9"}), !Contains("no effect"));
  CHECK_THAT(told({"--vtrace-rho", "2"}), Contains("--vtrace-rho has no effect: it is a part of V-trace"));
  CHECK_THAT(told({"--vtrace-c", "2"}), Contains("--vtrace-c has no effect: it is a part of V-trace"));
  CHECK_THAT(told({"--vtrace", "--vtrace-c", "2"}), !Contains("no effect"));
  CHECK_THAT(told({"--critics", "3"}),
             Contains("--critics has no effect: --loss is 'ppo', and it is for sac, td3"));
  CHECK_THAT(told({"--target-rate=0.1"}), Contains("--target-rate has no effect: --loss is 'ppo'"));
  CHECK_THAT(told({"--noisy-layers"}),
             Contains("--noisy-layers has no effect: --loss is 'ppo', and it is for dqn, dyna_q, qr_dqn"));
  const auto a3c = run_program(call("train", "--preset", "tuned", "--loss", "a3c", "--vtrace", "--workers",
                                    "1", "--updates", "1", "--eval-episodes", "0", "--schedule-steps", "1000",
                                    "--run-dir", (directory / "a3c").string()));
  CHECK(a3c.exit_code == 0);
  CHECK_THAT(a3c.errors, Contains("--vtrace has no effect: --loss is 'a3c'"));
}

TEST_CASE("a resumed run of continuous actions ends as the uninterrupted one, bit for bit", "[forks]") {
  const Variable hybrid("GENKIDAMA_TEST_HYBRID", "1");
  const TemporaryDirectory directory;
  const std::vector<std::string> flags{"--action-bounds", "tanh", "--replay-capacity", "100"};
  const auto with = [&flags](std::vector<std::string> more) {
    more.insert(more.end(), flags.begin(), flags.end());
    return more;
  };
  REQUIRE(train(directory / "whole", with({"--updates", "4"})).exit_code == 0);
  REQUIRE(train(directory / "half", with({"--updates", "2"})).exit_code == 0);
  const auto resumed =
      run_program(call("train", "--resume", (directory / "half").string(), "--updates", "4"));
  CAPTURE(resumed.errors);
  REQUIRE(resumed.exit_code == 0);
  CHECK(file_text(directory / "half" / "final.safetensors") ==
        file_text(directory / "whole" / "final.safetensors"));
}

TEST_CASE("check, and a Parent with its Children, take the flags too", "[forks]") {
  const Variable hybrid("GENKIDAMA_TEST_HYBRID", "1");
  const TemporaryDirectory directory;
  const auto checked = run_program(call("check", "--deviation", "state"));
  CAPTURE(checked.output, checked.errors);
  CHECK(checked.exit_code == 0);
  const auto cluster = run_program(call("cluster", "--preset", "other", "--children", "2", "--workers", "1",
                                        "--updates", "4", "--deviation", "state", "--eval-episodes", "3",
                                        "--run-dir", (directory / "run").string()));
  CAPTURE(cluster.errors);
  CHECK(cluster.exit_code == 0);
}

TEST_CASE("values of continuous actions that are none are bad arguments") {
  for (const auto& [flag, value] :
       {std::pair("--deviation", "learnt"), std::pair("--action-bounds", "reflect"),
        std::pair("--initial-log-deviation", "21"), std::pair("--initial-log-deviation", "nan")}) {
    const auto result = run_program(call("train", flag, value));
    CAPTURE(flag, value);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.errors, Contains(flag) && Contains("expected"));
  }
}
