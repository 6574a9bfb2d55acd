// Actors and a learner as programs.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>

#include "bad_argument.h"
#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"
#include "support/eventually.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

std::vector<std::string> learner_call(const std::filesystem::path& run,
                                      const std::vector<std::string>& more) {
  return with(
      call("learner", "--preset", "tuned", "--round-steps", "64", "--round-deadline", "60", "--eval-episodes",
           "2", "--eval-workers", "1", "--checkpoint-every", "10", "--run-dir", run.string()),
      more);
}

/// Asynchronous actors have no deadline.
std::vector<std::string> asynchronous_call(const std::filesystem::path& run,
                                           const std::vector<std::string>& more) {
  auto words = with(learner_call(run, {"--listen", "127.0.0.1:0", "--actor-mode", "asynchronous"}), more);
  const auto deadline = std::find(words.begin(), words.end(), "--round-deadline");
  words.erase(deadline, deadline + 2);
  return words;
}

std::vector<std::string> actor_call(const std::string& endpoint, const std::string& name,
                                    const std::filesystem::path& run,
                                    const std::vector<std::string>& more = {},
                                    const std::string& workers = "1") {
  return with(call("actor", "--preset", "tuned", "--round-steps", "64", "--connect", endpoint, "--workers",
                   workers, "--name", name, "--run-dir", run.string()),
              more);
}

/// Kills a learner that was started by `words`, with the run directory `run`, and resumes it while its actor
/// waits. Returns the resumed run's summary.
nlohmann::json summary_after_a_kill(const TemporaryDirectory& directory, const std::filesystem::path& run,
                                    const std::vector<std::string>& words) {
  RunningProgram first(words);
  const std::string endpoint = "127.0.0.1:" + listening_port(first);
  RunningProgram playing(actor_call(endpoint, "actor", directory / "actor"));
  REQUIRE(wait_for_tenth_update(first, run));
  first.signal(SIGKILL);
  first.wait();
  REQUIRE(playing.wait_for_error_text("plays nothing meanwhile"));
  RunningProgram second(call("learner", "--resume", run.string(), "--listen", endpoint, "--updates", "40"));
  const auto result = second.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK(playing.wait().exit_code == 0);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["updates"].get<int>() >= 40);
  return summary;
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
  const auto words = learner_call(run, {"--listen", "127.0.0.1:0", "--updates", "100000"});
  CHECK(summary_after_a_kill(directory, run, words)["epoch"] == 1);
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

TEST_CASE("each way of cutting the agent trains, goes on and tells what its predictors did") {
  const std::string preset = GENERATE("impala", "appo", "ga3c", "seed", "sample-factory", "ape-x", "r2d2");
  CAPTURE(preset);
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto train = [&](const std::vector<std::string>& words) {
    RunningProgram program(with(call("train"), words));
    const auto result = program.wait();
    CAPTURE(result.errors);
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.errors, !Contains("has no effect"));
  };
  train({"--preset", preset, "--workers", "2", "--max-steps", "6000", "--eval-episodes", "2", "--run-dir",
         run.string()});
  train({"--resume", run.string(), "--max-steps", "9000"});
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["environment_steps"] >= 9000);
  CHECK(summary["actors"] == "asynchronous");
  const auto metrics = csv_of(run / "metrics.csv");
  const auto has = [&](const std::string& name) {
    return std::find(metrics.front().begin(), metrics.front().end(), name) != metrics.front().end();
  };
  const bool predicts = preset == "ga3c" || preset == "seed" || preset == "sample-factory";
  CHECK(has("inference_batch") == predicts);
  if (!predicts) return;
  CHECK(std::stod(metrics.back()[column_of(metrics, "inference_batch")]) >= 1);
  CHECK(metrics.back()[column_of(metrics, "active_predictors")] == "1");
  CHECK(metrics.back()[column_of(metrics, "active_workers")] == "2");
}

TEST_CASE("options of central inference without predictors are told") {
  RunningProgram refused(call("train", "--preset", "tuned", "--double-buffering", "--updates", "1"));
  const auto error = refused.wait();
  CHECK(error.exit_code == 2);
  CHECK_THAT(error.errors, Contains("--double-buffering needs") && Contains("--predictors is 0"));
  const TemporaryDirectory directory;
  RunningProgram idle(call("train", "--preset", "tuned", "--workers", "1", "--inference-batch", "8",
                           "--inference-wait-us", "5", "--updates", "1", "--eval-episodes", "0", "--run-dir",
                           (directory / "run").string()));
  const auto warned = idle.wait();
  CHECK(warned.exit_code == 0);
  CHECK_THAT(warned.errors, Contains("--inference-batch has no effect: --predictors is 0") &&
                                Contains("--inference-wait-us has no effect"));
}

TEST_CASE(
    "workers of a central learner play on while it learns, and --max-steps counts what it learns from") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const std::string when_full = GENERATE("wait", "drop-oldest");
  RunningProgram program(call("train", "--preset", "tuned", "--learning", "central", "--actor-mode",
                              "asynchronous", "--when-full", when_full, "--queued-rounds", "2", "--workers",
                              "2", "--round-steps", "64", "--epochs", "30", "--max-steps", "1000",
                              "--eval-episodes", "2", "--run-dir", run.string()));
  const auto result = program.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["ended_by"] == "max_steps");
  CHECK(summary["environment_steps"] >= 1000);
  CHECK(summary["environment_steps"] <= 1100);
  CHECK(summary["actors"] == "asynchronous");
  const auto& segments = summary["segments"];
  CHECK(segments["learnt_steps"] == summary["environment_steps"]);
  CHECK(segments["policy_lag_max"] >= 1);
  CHECK(segments["late_steps"] == 0);
  CHECK(summary["dropped_steps"] == segments["queue_dropped_steps"]);
  if (when_full == "wait") CHECK(summary["dropped_steps"] == 0);
  const auto metrics = csv_of(run / "metrics.csv");
  CHECK(metrics.back()[column_of(metrics, "queued_steps")] ==
        std::to_string(segments["queued_steps"].get<int>()));
  CHECK(json_of(run / "config.json")["vtrace"] == true);
  RunningProgram again(call("train", "--resume", run.string(), "--max-steps", "1500"));
  CHECK(again.wait().exit_code == 0);
  const auto resumed = json_of(run / "summary.json");
  CHECK(resumed["environment_steps"] >= 1500);
  CHECK(resumed["dropped_steps"] >= summary["dropped_steps"]);
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

TEST_CASE("asynchronous actors play on, and a learner reports their lag and what it did not learn from") {
  const TemporaryDirectory directory;
  const auto run = directory / "learner";
  const std::string when_full = GENERATE("wait", "drop-oldest");
  RunningProgram learner(asynchronous_call(run, {"--actors", "2", "--updates", "30", "--queued-rounds", "2",
                                                 "--when-full", when_full, "--max-policy-lag", "3"}));
  const std::string endpoint = "127.0.0.1:" + listening_port(learner);
  RunningProgram one(actor_call(endpoint, "one", directory / "one"));
  RunningProgram two(actor_call(endpoint, "two", directory / "two"));
  const auto result = learner.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  // On a busy machine the run may be over before either of them has joined, which is a failure of that actor.
  const auto joined = [&](const std::string& name) {
    return result.errors.find('\'' + name + '\'') != std::string::npos;
  };
  CHECK((joined("one") || joined("two")));
  const int first = one.wait().exit_code, second = two.wait().exit_code;
  if (joined("one")) CHECK(first == 0);
  if (joined("two")) CHECK(second == 0);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["updates"] == 30);
  CHECK(summary["actors"] == "asynchronous");
  const auto& segments = summary["segments"];
  CHECK(segments["when_full"] == when_full);
  CHECK(segments["policy_lag_max"] <= 3);
  CHECK(segments["dropped_steps"] == 0);
  if (when_full == "wait") CHECK(segments["queue_dropped_steps"] == 0);
  // Each step was played, and learnt from or told of.
  const auto metrics = csv_of(run / "metrics.csv");
  std::uint64_t queue_dropped = 0, late = 0;
  for (std::size_t row = 1; row < metrics.size(); ++row) {
    queue_dropped += std::stoull(metrics[row][column_of(metrics, "queue_dropped_steps")]);
    late += std::stoull(metrics[row][column_of(metrics, "late_steps")]);
    // A round's steps are in the queue of two more at most, and the batch that has filled it.
    CHECK(std::stoull(metrics[row][column_of(metrics, "queued_steps")]) <= 3 * 64);
  }
  CHECK(late == segments["late_steps"]);
  CHECK(queue_dropped <= segments["queue_dropped_steps"]);
  // Only what was learnt from counts; the rest is told beside it.
  CHECK(summary["environment_steps"] == segments["learnt_steps"]);
  CHECK(summary["dropped_steps"] == late + queue_dropped);
  const bool is_told = result.output.find("not learnt from") != std::string::npos;
  CHECK(is_told == (late + queue_dropped > 0));
  CHECK(json_of(run / "config.json")["vtrace"] == true);
}

TEST_CASE("asynchronous actors go on with a learner that was killed and is resumed") {
  const TemporaryDirectory directory;
  const auto run = directory / "learner";
  const auto words = asynchronous_call(run, {"--updates", "100000"});
  CHECK(summary_after_a_kill(directory, run, words)["actors"] == "asynchronous");
}

TEST_CASE("actors fill the replay buffer of a learner, which goes on with it after it was killed") {
  const TemporaryDirectory directory;
  const auto run = directory / "learner";
  const std::string mode = GENERATE("asynchronous", "waiting");
  RunningProgram first(call("learner", "--preset", "dqn", "--listen", "127.0.0.1:0", "--actors", "2",
                            "--actor-mode", mode, "--round-steps", "64", "--learning-starts", "100",
                            "--replay-capacity", "5000", "--epsilon-ladder", "7", "--max-steps", "100000000",
                            "--schedule", "constant", "--eval-episodes", "2", "--eval-workers", "1",
                            "--checkpoint-every", "10", "--run-dir", run.string()));
  const std::string endpoint = "127.0.0.1:" + listening_port(first);
  const auto actor = [&](const std::string& name) {
    return call("actor", "--preset", "dqn", "--connect", endpoint, "--workers", "1", "--round-steps", "64",
                "--learning-starts", "100", "--epsilon-ladder", "7", "--name", name, "--run-dir",
                (directory / name).string());
  };
  RunningProgram one(actor("one")), two(actor("two"));
  // A learner of asynchronous actors begins with the first of them.
  REQUIRE(one.wait_for_error_text("joined"));
  REQUIRE(two.wait_for_error_text("joined"));
  REQUIRE(wait_for_tenth_update(first, run));
  first.signal(SIGKILL);
  first.wait();
  REQUIRE(one.wait_for_error_text("plays nothing meanwhile"));
  RunningProgram second(call("learner", "--resume", run.string(), "--listen", endpoint));
  // It would also end without the second one, who then waits for a learner that is gone.
  REQUIRE(second.wait_for_error_text("'one' (127.0.0.1"));
  REQUIRE(second.wait_for_error_text("'two' (127.0.0.1"));
  // Seventy rounds of 64 steps.
  const auto checkpoint = run / "checkpoints" / "update_000070.safetensors";
  REQUIRE(second.wait_until([&] { return std::filesystem::exists(checkpoint); }));
  second.signal(SIGINT);
  const auto result = second.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 128 + SIGINT);
  CHECK(one.wait().exit_code == 0);
  CHECK(two.wait().exit_code == 0);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["environment_steps"] >= 4000);
  CHECK(summary["actors"] == mode);
  CHECK(summary["segments"]["late_steps"] == 0);
  CHECK(json_of(run / "config.json")["replay_capacity"] == 5000);
  CHECK(json_of(run / "config.json")["vtrace"] == false);
  // What the first process had stored is there.
  const auto saved = read_safetensors(run / "state.safetensors");
  CHECK(saved.metadata.size() > 0);
}

TEST_CASE("workers fill the replay buffer of a central learner") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const std::string mode = GENERATE("asynchronous", "waiting");
  RunningProgram program(call("train", "--preset", "dqn", "--learning", "central", "--actor-mode", mode,
                              "--workers", "2", "--round-steps", "64", "--learning-starts", "100",
                              "--replay-capacity", "2000", "--max-steps", "1000", "--eval-episodes", "2",
                              "--run-dir", run.string()));
  const auto result = program.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK(json_of(run / "summary.json")["environment_steps"] >= 1000);
  const auto metrics = csv_of(run / "metrics.csv");
  CHECK(std::stod(metrics.back()[column_of(metrics, "value_loss")]) > 0);
}

TEST_CASE("a frozen actor holds its learner up for one deadline at most, and not at all when asynchronous") {
  const TemporaryDirectory directory;
  const bool asynchronous = GENERATE(false, true);
  const auto run = directory / "learner";
  auto words = asynchronous ? asynchronous_call(run, {"--updates", "1000000"})
                            : learner_call(run, {"--listen", "127.0.0.1:0", "--updates", "1000000"});
  if (!asynchronous) *std::find(words.begin(), words.end(), "60") = "0.2";
  RunningProgram learner(words);
  const std::string endpoint = "127.0.0.1:" + listening_port(learner);
  RunningProgram awake(actor_call(endpoint, "awake", directory / "awake"));
  RunningProgram frozen(actor_call(endpoint, "frozen", directory / "frozen"));
  REQUIRE(wait_for_tenth_update(learner, run));
  const auto exchanges_of = [&](const std::string& name) {
    const auto table = csv_of(directory / name / "metrics.csv");
    return table.size() < 2 ? 0 : std::stoi(table.back().at(column_of(table, "exchanges")));
  };
  REQUIRE(eventually([&] { return exchanges_of("frozen") > 0; }));
  frozen.signal(SIGSTOP);
  const int before = exchanges_of("awake");
  CHECK(eventually([&] { return exchanges_of("awake") >= before + 10; }));
  const int stopped_at = exchanges_of("frozen");
  frozen.signal(SIGCONT);
  CHECK(eventually([&] { return exchanges_of("frozen") > stopped_at; }));
  // A frozen learner: nobody ends, and all go on when it does.
  learner.signal(SIGSTOP);
  const int waiting = exchanges_of("awake");
  learner.signal(SIGCONT);
  CHECK(eventually([&] { return exchanges_of("awake") > waiting; }));
  learner.signal(SIGINT);
  CHECK(learner.wait().exit_code == 128 + SIGINT);
  CHECK(awake.wait().exit_code == 0);
  CHECK(frozen.wait().exit_code == 0);
}

TEST_CASE("an actor whose rounds are shorter than its learner's is refused with both numbers") {
  const TemporaryDirectory directory;
  RunningProgram learner(learner_call(directory / "learner", {"--listen", "127.0.0.1:0", "--updates", "2"}));
  const std::string endpoint = "127.0.0.1:" + listening_port(learner);
  RunningProgram shorter(call("actor", "--preset", "tuned", "--round-steps", "32", "--connect", endpoint,
                              "--workers", "1", "--name", "shorter", "--run-dir",
                              (directory / "shorter").string()));
  const auto result = shorter.wait();
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.errors, Contains("the learner refused this actor") && Contains("at most 32 steps") &&
                                Contains("this learner's 64"));
  CHECK_THAT(result.errors, !Contains("Child") && !Contains("Parent"));
  // Longer ones do no harm.
  RunningProgram longer(call("actor", "--preset", "tuned", "--round-steps", "100", "--connect", endpoint,
                             "--workers", "1", "--name", "longer", "--run-dir",
                             (directory / "longer").string()));
  CHECK(learner.wait().exit_code == 0);
  CHECK(json_of(directory / "learner" / "summary.json")["environment_steps"] == 128);
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
  check_bad_argument(call("train", "--preset", "tuned", "--learning", "central", "--round-end", "episode"),
                     "--round-end is 'episode' with --learning central");
  const auto learner = [](const std::vector<std::string>& more) {
    return with(call("learner", "--listen", "127.0.0.1:0", "--preset", "tuned"), more);
  };
  check_bad_argument(learner({"--actor-mode", "hasty"}), "--actor-mode is 'hasty'");
  check_bad_argument(learner({"--when-full", "drop-oldest"}), "--when-full is for --actor-mode asynchronous");
  check_bad_argument(learner({"--queued-rounds", "2"}), "--queued-rounds is for --actor-mode asynchronous");
  check_bad_argument(learner({"--actor-mode", "asynchronous", "--queued-rounds", "0"}), "--queued-rounds");
  check_bad_argument(learner({"--actor-mode", "asynchronous", "--quorum", "1"}),
                     "--quorum is for --actor-mode waiting");
  check_bad_argument(learner({"--actor-mode", "asynchronous", "--round-deadline", "1"}),
                     "--round-deadline is for --actor-mode waiting");
  check_bad_argument(call("cluster", "--actor-mode", "asynchronous"),
                     "--actor-mode is for --exchange segments");
  check_bad_argument(call("train", "--actor-mode", "asynchronous"), "--actor-mode is for --learning central");
  const auto central = [](const std::vector<std::string>& more) {
    return with(call("train", "--preset", "tuned", "--learning", "central"), more);
  };
  check_bad_argument(central({"--queued-rounds", "2"}), "--queued-rounds is for --actor-mode asynchronous");
  check_bad_argument(central({"--max-policy-lag", "2"}), "--max-policy-lag is for --actor-mode asynchronous");
  check_bad_argument(central({"--actor-mode", "asynchronous", "--queue-bytes", "100000"}), "--queue-bytes");
  check_bad_argument(learner({"--queue-bytes", "100000"}), "--queue-bytes is for --actor-mode asynchronous");
  check_bad_argument(learner({"--actor-mode", "asynchronous", "--queue-bytes", "0"}), "--queue-bytes is '0'");
  check_bad_argument(call("learner", "--listen", "127.0.0.1:0", "--preset", "tuned", "--round-steps", "0"),
                     "--round-steps");
  const TemporaryDirectory directory;
  check_bad_argument(call("learner", "--listen", "127.0.0.1:0", "--preset", "tuned", "--loss", "a3c",
                          "--run-dir", (directory / "run").string()),
                     "'a3c'");
  // 4.4 GB, and more than an actor may send at once.
  check_bad_argument(learner({"--round-steps", "100000000", "--run-dir", (directory / "large").string()}),
                     "--round-steps is 100000000");
}
