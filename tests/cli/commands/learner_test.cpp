// Actors and a learner as programs.
#include <csignal>
#include <memory>

#include "bad_argument.h"
#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::vector<std::string> learner_call(const std::filesystem::path& run,
                                      const std::vector<std::string>& more) {
  return with(
      call("learner", "--preset", "tuned", "--round-steps", "64", "--round-deadline", "60", "--eval-episodes",
           "2", "--eval-workers", "1", "--checkpoint-every", "10", "--run-dir", run.string()),
      more);
}

std::vector<std::string> actor_call(const std::string& endpoint, const std::string& name,
                                    const std::filesystem::path& run,
                                    const std::vector<std::string>& more = {},
                                    const std::string& workers = "1") {
  return with(call("actor", "--preset", "tuned", "--round-steps", "64", "--connect", endpoint, "--workers",
                   workers, "--name", name, "--run-dir", run.string()),
              more);
}

std::size_t column_of(const std::vector<std::vector<std::string>>& table, const std::string& name) {
  const auto found = std::find(table[0].begin(), table[0].end(), name);
  REQUIRE(found != table[0].end());
  return static_cast<std::size_t>(found - table[0].begin());
}

}  // namespace

TEST_CASE("two actors play for a learner until it has its updates") {
  const TemporaryDirectory directory;
  RunningProgram learner(
      learner_call(directory / "learner", {"--listen", "127.0.0.1:0", "--actors", "2", "--updates", "12"}));
  const std::string endpoint = "127.0.0.1:" + listening_port(learner);
  RunningProgram one(actor_call(endpoint, "one", directory / "one"));
  RunningProgram two(actor_call(endpoint, "two", directory / "two", {}, "2"));
  const auto learner_result = learner.wait();
  CAPTURE(learner_result.errors);
  CHECK(learner_result.exit_code == 0);
  for (RunningProgram* actor : {&one, &two}) {
    const auto result = actor->wait();
    CAPTURE(result.errors);
    CHECK(result.exit_code == 0);
    CHECK(actor->all_gone());
  }
  CHECK(learner.all_gone());

  const auto summary = json_of(directory / "learner" / "summary.json");
  CHECK(summary["ended_by"] == "updates");
  CHECK(summary["updates"] == 12);
  CHECK(summary["environment_steps"] == 12 * 64);
  CHECK(summary["actors_joined"] == 2);
  CHECK(summary["segments"]["learnt_steps"] == 12 * 64);
  CHECK(summary["segments"]["dropped_steps"] == 0);
  CHECK(summary["segments"]["policy_lag_max"] == 0);
  CHECK(summary["final_evaluation"]["episodes"] == 2);
  CHECK(json_of(directory / "one" / "summary.json")["ended_by"] == "parent");
  CHECK(json_of(directory / "one" / "config.json")["seed"] !=
        json_of(directory / "two" / "config.json")["seed"]);
  const auto metrics = csv_of(directory / "learner" / "metrics.csv");
  REQUIRE(metrics.size() == 13);
  for (std::size_t row = 1; row < metrics.size(); ++row) {
    CHECK(metrics[row][column_of(metrics, "actors")] == "2");
    CHECK(metrics[row][column_of(metrics, "policy_lag_mean")] == "0");
    CHECK(metrics[row][column_of(metrics, "late_steps")] == "0");
  }
  CHECK(std::filesystem::exists(directory / "learner" / "final.safetensors"));
}

TEST_CASE("each actor plays the steps of a round where the learner says so") {
  const TemporaryDirectory directory;
  RunningProgram learner(learner_call(directory / "learner", {"--listen", "127.0.0.1:0", "--actors", "2",
                                                              "--actor-steps", "each", "--updates", "4"}));
  const std::string endpoint = "127.0.0.1:" + listening_port(learner);
  RunningProgram one(actor_call(endpoint, "one", directory / "one"));
  RunningProgram two(actor_call(endpoint, "two", directory / "two"));
  CHECK(learner.wait().exit_code == 0);
  CHECK(json_of(directory / "learner" / "summary.json")["environment_steps"] == 4 * 2 * 64);
}

TEST_CASE("actors wait for a learner that was killed, and play on for the next process of its run") {
  const TemporaryDirectory directory;
  const auto run = directory / "learner";
  const auto first_call = learner_call(run, {"--listen", "127.0.0.1:0", "--updates", "100000"});
  auto first = std::make_unique<RunningProgram>(first_call);
  const std::string endpoint = "127.0.0.1:" + listening_port(*first);
  RunningProgram playing(actor_call(endpoint, "actor", directory / "actor"));
  REQUIRE(wait_for_tenth_update(*first, run));
  first->signal(SIGKILL);
  first->wait();
  REQUIRE(playing.wait_for_error_text("plays nothing meanwhile"));
  RunningProgram second(call("learner", "--resume", run.string(), "--listen", endpoint, "--updates", "40"));
  const auto result = second.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK(playing.wait().exit_code == 0);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["updates"].get<int>() >= 40);
  CHECK(summary["epoch"] == 1);
}

TEST_CASE("an actor that is killed does not keep the learner from its end") {
  const TemporaryDirectory directory;
  RunningProgram learner(
      learner_call(directory / "learner", {"--listen", "127.0.0.1:0", "--actors", "2", "--updates", "60"}));
  const std::string endpoint = "127.0.0.1:" + listening_port(learner);
  RunningProgram staying(actor_call(endpoint, "staying", directory / "staying"));
  RunningProgram going(actor_call(endpoint, "going", directory / "going"));
  REQUIRE(wait_for_tenth_update(learner, directory / "learner"));
  going.signal(SIGKILL);
  CHECK(learner.wait().exit_code == 0);
  CHECK(staying.wait().exit_code == 0);
}

TEST_CASE("a learner that is stopped writes its files, and its actors end") {
  const TemporaryDirectory directory;
  RunningProgram learner(
      learner_call(directory / "learner", {"--listen", "127.0.0.1:0", "--updates", "1000000"}));
  const std::string endpoint = "127.0.0.1:" + listening_port(learner);
  RunningProgram actor(actor_call(endpoint, "actor", directory / "actor"));
  REQUIRE(wait_for_tenth_update(learner, directory / "learner"));
  learner.signal(SIGINT);
  CHECK(learner.wait().exit_code == 128 + SIGINT);
  CHECK(actor.wait().exit_code == 0);
  CHECK(json_of(directory / "learner" / "summary.json")["ended_by"] == "signal");
  CHECK(std::filesystem::exists(directory / "learner" / "state.safetensors"));
}

TEST_CASE("an actor whose learner cannot be reached gives up after the join timeout") {
  const TemporaryDirectory directory;
  RunningProgram actor(actor_call("127.0.0.1:1", "actor", directory / "run", {"--join-timeout", "0.2"}));
  const auto result = actor.wait();
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.errors, Contains("127.0.0.1:1"));
}

TEST_CASE("an actor of another network is refused with what differs") {
  const TemporaryDirectory directory;
  RunningProgram learner(learner_call(directory / "learner", {"--listen", "127.0.0.1:0", "--updates", "4"}));
  const std::string endpoint = "127.0.0.1:" + listening_port(learner);
  RunningProgram other(actor_call(endpoint, "other", directory / "other", {"--hidden", "8"}));
  const auto result = other.wait();
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.errors, Contains("network"));
  RunningProgram actor(actor_call(endpoint, "actor", directory / "actor"));
  CHECK(learner.wait().exit_code == 0);
}

TEST_CASE("a central learner with one worker ends with the weights that the worker alone has") {
  const TemporaryDirectory directory;
  const auto train = [&](const std::string& name, const std::vector<std::string>& more) {
    RunningProgram program(with(
        call("train", "--preset", "tuned", "--round-steps", "64", "--workers", "1", "--updates", "5",
             "--schedule-steps", "1000", "--eval-episodes", "0", "--run-dir", (directory / name).string()),
        more));
    const auto result = program.wait();
    CAPTURE(result.errors);
    CHECK(result.exit_code == 0);
    return read_safetensors(directory / name / "final.safetensors").weights;
  };
  CHECK(train("central", {"--learning", "central"}) == train("alone", {"--round-end", "step"}));
}

TEST_CASE("a cluster of a learner and actors trains, and leaves no process") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram cluster(call("cluster", "--preset", "tuned", "--exchange", "segments", "--children", "2",
                              "--workers", "1", "--round-steps", "64", "--updates", "6", "--eval-episodes",
                              "2", "--run-dir", run.string()));
  const auto result = cluster.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK(cluster.all_gone());
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["command"] == "cluster");
  CHECK(summary["updates"] == 6);
  CHECK(summary["environment_steps"] == 6 * 64);
  CHECK(summary["segments"]["learnt_steps"] == 6 * 64);
  CHECK(json_of(run / "children" / "child_1" / "summary.json")["ended_by"] == "parent");
  RunningProgram again(call("cluster", "--resume", run.string(), "--updates", "9"));
  CHECK(again.wait().exit_code == 0);
  CHECK(json_of(run / "summary.json")["updates"] == 9);
}

TEST_CASE("what a learner or an actor cannot be told is a bad argument") {
  check_bad_argument(call("learner", "--preset", "tuned"), "a learner needs --listen");
  check_bad_argument(call("actor", "--preset", "tuned"), "an actor has one link");
  check_bad_argument(call("actor", "--connect", "127.0.0.1:1", "--listen", "127.0.0.1:0"), "one link");
  check_bad_argument(call("actor", "--connect", "127.0.0.1:1", "--learning-rate", "1"), "'--learning-rate'");
  check_bad_argument(call("learner", "--listen", "127.0.0.1:0", "--workers", "2"), "'--workers'");
  check_bad_argument(call("learner", "--listen", "127.0.0.1:0", "--actor-steps", "some"), "--actor-steps");
  check_bad_argument(call("learner", "--listen", "0.0.0.0:0", "--preset", "tuned"), "--token-file");
  check_bad_argument(call("parent", "--listen", "127.0.0.1:0", "--exchange", "segments"),
                     "expected 'learner' in place of 'parent'");
  check_bad_argument(call("child", "--connect", "127.0.0.1:1", "--exchange", "segments"),
                     "expected 'actor' in place of 'child'");
  check_bad_argument(call("cluster", "--actor-steps", "each"), "--actor-steps is for --exchange segments");
  check_bad_argument(call("cluster", "--exchange", "segments", "--overlap"), "--overlap");
  check_bad_argument(call("train", "--learning", "elsewhere"), "--learning is 'elsewhere'");
  check_bad_argument(call("learner", "--listen", "127.0.0.1:0", "--preset", "tuned", "--round-steps", "0"),
                     "--round-steps");
  const TemporaryDirectory directory;
  check_bad_argument(call("learner", "--listen", "127.0.0.1:0", "--preset", "tuned", "--loss", "a3c",
                          "--run-dir", (directory / "run").string()),
                     "'a3c'");
}
