#include <sys/resource.h>

#include <algorithm>
#include <fstream>

#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

// prlimit of another process: what a disk that fills up looks like to it.
void limit_file_size(pid_t pid, rlim_t bytes) {
  rlimit limit{};
  REQUIRE(::prlimit(pid, RLIMIT_FSIZE, nullptr, &limit) == 0);
  limit.rlim_cur = bytes;
  REQUIRE(::prlimit(pid, RLIMIT_FSIZE, &limit, nullptr) == 0);
}

}  // namespace

TEST_CASE("a run leaves everything needed to repeat and judge it") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto result =
      run_program(call("train", "--workers", "2", "--max-steps", "3000", "--seed", "4", "--checkpoint-every",
                       "10", "--eval-episodes", "5", "--replay-capacity", "100", "--run-dir", run.string()));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK(result.output.find("Final evaluation") != std::string::npos);

  const auto config = json_of(run / "config.json");
  CHECK(config["command"] == "train");
  CHECK(config["seed"] == 4);
  CHECK(config["workers"] == 2);
  CHECK(config["gamma"] == 0.999);

  const auto summary = json_of(run / "summary.json");
  CHECK(summary["ended_by"] == "max_steps");
  CHECK(summary["environment_steps"].get<int>() >= 3000);
  CHECK(summary["wall_seconds"].get<double>() > 0);
  CHECK(summary["env_steps_per_second"].get<double>() > 0);
  CHECK(summary["time_to_target_seconds"].is_null());
  CHECK(summary["final_evaluation"]["episodes"] == 5);

  const auto metrics = csv_of(run / "metrics.csv");
  const auto updates = summary["updates"].get<std::size_t>();
  REQUIRE(metrics.size() == updates + 1);
  CHECK(metrics[0][0] == "update");
  for (std::size_t i = 1; i < metrics.size(); ++i) CHECK(metrics[i][0] == std::to_string(i));
  CHECK(metrics.back()[1] == std::to_string(summary["environment_steps"].get<int>()));
  CHECK(metrics.back()[4] == std::to_string(summary["episodes"].get<int>()));

  CHECK(std::filesystem::exists(run / "checkpoints" / "update_000010.safetensors"));
  const Checkpoint final_weights = read_safetensors(run / "final.safetensors");
  CHECK(final_weights.metadata.at("preset") == "thesis");
  CHECK(final_weights.metadata.at("update") == std::to_string(updates));
  CHECK(final_weights.layout.tensors().size() == 8);
}

TEST_CASE("one worker and one seed give the same run, bit for bit") {
  const TemporaryDirectory directory;
  const auto train = [&](const std::string& name, const std::string& seed) {
    REQUIRE(run_program(call("train", "--workers", "1", "--updates", "30", "--seed", seed, "--eval-episodes",
                             "3", "--run-dir", (directory / name).string()))
                .exit_code == 0);
  };
  train("a", "5");
  train("b", "5");
  train("c", "6");
  CHECK(file_text(directory / "a" / "final.safetensors") == file_text(directory / "b" / "final.safetensors"));
  CHECK(timeless_csv_of(directory / "a" / "metrics.csv") == timeless_csv_of(directory / "b" / "metrics.csv"));
  CHECK(json_of(directory / "a" / "summary.json")["final_evaluation"] ==
        json_of(directory / "b" / "summary.json")["final_evaluation"]);
  CHECK(file_text(directory / "a" / "final.safetensors") != file_text(directory / "c" / "final.safetensors"));
}

TEST_CASE("a resumed run ends like one that was never interrupted") {
  const TemporaryDirectory directory;
  const auto whole = directory / "whole";
  const auto parts = directory / "parts";
  REQUIRE(run_program(call("train", "--workers", "1", "--updates", "40", "--eval-episodes", "0", "--run-dir",
                           whole.string()))
              .exit_code == 0);
  REQUIRE(run_program(call("train", "--workers", "1", "--updates", "15", "--eval-episodes", "0", "--run-dir",
                           parts.string()))
              .exit_code == 0);
  const auto resumed = run_program(call("train", "--resume", parts.string(), "--updates", "40"));
  CAPTURE(resumed.errors);
  REQUIRE(resumed.exit_code == 0);

  CHECK(file_text(whole / "final.safetensors") == file_text(parts / "final.safetensors"));
  CHECK(timeless_csv_of(whole / "metrics.csv") == timeless_csv_of(parts / "metrics.csv"));
  CHECK(json_of(parts / "config.json")["updates"] == 40);
  CHECK(json_of(parts / "summary.json")["updates"] == 40);
}

TEST_CASE("a run that was killed is resumed from its last checkpoint without gap or double rows") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  {
    RunningProgram program(
        call("train", "--workers", "1", "--checkpoint-every", "20", "--run-dir", run.string()));
    // The state of update 20 lies before this file.
    REQUIRE(program.wait_until(
        [&] { return std::filesystem::exists(run / "checkpoints" / "update_000040.safetensors"); }));
    program.signal(SIGKILL);
    CHECK(program.wait().exit_code == 128 + SIGKILL);
    CHECK(program.all_gone());
  }
  const auto resumed = run_program(call("train", "--resume", run.string(), "--max-steps", "100000",
                                        "--updates", "100", "--eval-episodes", "0"));
  CAPTURE(resumed.errors);
  REQUIRE(resumed.exit_code == 0);
  const auto metrics = csv_of(run / "metrics.csv");
  for (std::size_t i = 1; i < metrics.size(); ++i) CHECK(metrics[i][0] == std::to_string(i));
}

TEST_CASE("a run ends when an evaluation reaches its target") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto result =
      run_program(call("train", "--workers", "1", "--target", "1", "--evaluate-every", "3",
                       "--target-episodes", "4", "--eval-episodes", "0", "--run-dir", run.string()));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["ended_by"] == "target");
  CHECK(summary["updates"] == 3);
  CHECK(summary["time_to_target_seconds"].get<double>() > 0);
  CHECK(csv_of(run / "evaluations.csv").size() == 2);
}

TEST_CASE("a run evaluates at the interval that is given without a target, and keeps the best policy") {
  const TemporaryDirectory directory;
  using Words = std::vector<std::string>;
  const auto train = [&](const std::string& name, const Words& words) {
    Words all = call("train", "--workers", "1", "--seed", "5", "--eval-episodes", "0", "--run-dir",
                     (directory / name).string());
    all.insert(all.end(), words.begin(), words.end());
    const auto result = run_program(all);
    CAPTURE(result.errors);
    REQUIRE(result.exit_code == 0);
    return directory / name;
  };
  const auto run = train("whole", {"--evaluate-every", "4", "--target-episodes", "3", "--updates", "30",
                                   "--checkpoint-every", "4"});
  CHECK(json_of(run / "summary.json")["ended_by"] == "updates");
  CHECK(json_of(run / "config.json")["evaluate_every"] == 4);
  const auto rows = csv_of(run / "evaluations.csv");
  REQUIRE(rows.size() == 8);
  std::size_t best = 1;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    CHECK(rows[i][0] == std::to_string(4 * i));
    if (std::stod(rows[i][4]) > std::stod(rows[best][4])) best = i;
  }
  const Checkpoint kept = read_safetensors(run / "best.safetensors");
  CHECK(kept.metadata.at("update") == rows[best][0]);
  CHECK(std::stod(kept.metadata.at("evaluation_return_mean")) == Approx(std::stod(rows[best][4])));
  const auto number = std::string(6 - rows[best][0].size(), '0') + rows[best][0];
  CHECK(kept.weights ==
        read_safetensors(run / "checkpoints" / ("update_" + number + ".safetensors")).weights);

  // It learns as if nobody had looked, and a run that is not told to evaluates nothing.
  const auto plain = train("plain", {"--updates", "30"});
  CHECK(csv_of(plain / "evaluations.csv").size() == 1);
  CHECK_FALSE(std::filesystem::exists(plain / "best.safetensors"));
  CHECK(json_of(plain / "config.json")["evaluate_every"].is_null());
  CHECK(read_safetensors(plain / "final.safetensors").weights ==
        read_safetensors(run / "final.safetensors").weights);

  // The best one is that of all processes of a run.
  const auto parts = train("parts", {"--evaluate-every", "4", "--target-episodes", "3", "--updates", "13"});
  const auto resumed = run_program(call("train", "--resume", parts.string(), "--updates", "30"));
  CAPTURE(resumed.errors);
  REQUIRE(resumed.exit_code == 0);
  CHECK(csv_of(parts / "evaluations.csv").size() == 8);
  CHECK(file_text(parts / "best.safetensors") == file_text(run / "best.safetensors"));

  // A damaged one costs no run.
  std::ofstream(parts / "best.safetensors", std::ios::trunc) << "damaged";
  const auto again = run_program(call("train", "--resume", parts.string(), "--updates", "32"));
  CHECK(again.exit_code == 0);
  CHECK(again.errors.find((parts / "best.safetensors").string()) != std::string::npos);
  CHECK(read_safetensors(parts / "best.safetensors").metadata.at("update") == "32");
}

TEST_CASE("a config.json of version 0.1 starts no evaluations") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  std::ofstream(directory / "config.json") << R"({"version": "0.1.0", "evaluate_every": 100})";
  const auto result =
      run_program(call("train", "--workers", "1", "--updates", "100", "--eval-episodes", "0", "--config",
                       (directory / "config.json").string(), "--run-dir", run.string()));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK(csv_of(run / "evaluations.csv").size() == 1);
  CHECK_FALSE(std::filesystem::exists(run / "best.safetensors"));
}

TEST_CASE("SIGTERM and Ctrl-C end a run with its last weights written and every process gone") {
  for (const int signal : {SIGTERM, SIGINT}) {
    const TemporaryDirectory directory;
    const auto run = directory / "run";
    RunningProgram program(
        call("train", "--workers", "2", "--checkpoint-every", "5", "--run-dir", run.string()));
    REQUIRE(program.wait_until(
        [&] { return std::filesystem::exists(run / "checkpoints" / "update_000005.safetensors"); }));
    program.signal(signal);
    const auto result = program.wait();
    CAPTURE(signal, result.errors);
    CHECK(result.exit_code == 128 + signal);
    CHECK(program.all_gone());
    const auto summary = json_of(run / "summary.json");
    CHECK(summary["ended_by"] == "signal");
    CHECK(read_safetensors(run / "final.safetensors").metadata.at("update") ==
          std::to_string(summary["updates"].get<int>()));
  }
}

TEST_CASE("workers that are killed are started again, and the run tells of them") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram program(
      call("train", "--workers", "2", "--checkpoint-every", "5", "--run-dir", run.string()));
  REQUIRE(program.wait_until([&] { return program.workers().size() == 2; }));
  for (int i = 0; i < 3; ++i) {
    const auto before = program.workers();
    REQUIRE(before.size() == 2);
    ::kill(before[0], SIGKILL);
    REQUIRE(program.wait_until([&] {
      const auto now = program.workers();
      return now.size() == 2 && std::count(now.begin(), now.end(), before[0]) == 0;
    }));
    // More rounds are played with it.
    const auto rows = csv_of(run / "metrics.csv").size();
    REQUIRE(program.wait_until([&] { return csv_of(run / "metrics.csv").size() > rows + 5; }));
  }
  CHECK(program.errors().find("signal 9") != std::string::npos);
  program.signal(SIGTERM);
  const auto result = program.wait();
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(program.all_gone());
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["worker_restarts"] == 3);
  CHECK(summary["ended_by"] == "signal");
  CHECK(json_of(run / "config.json")["max_worker_crashes"] == 10);
}

TEST_CASE("a worker that is killed ends the run with a clear error when none may be") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram program(call("train", "--workers", "2", "--checkpoint-every", "5", "--max-worker-crashes",
                              "0", "--run-dir", run.string()));
  REQUIRE(program.wait_until(
      [&] { return std::filesystem::exists(run / "checkpoints" / "update_000005.safetensors"); }));
  REQUIRE(program.workers().size() == 2);
  ::kill(program.workers()[0], SIGKILL);
  const auto result = program.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find("error: ") != std::string::npos);
  CHECK(result.errors.find("signal 9") != std::string::npos);
  CHECK(result.errors.find((run / "checkpoints" / "update_").string()) != std::string::npos);
  CHECK(program.all_gone());
  CHECK(json_of(run / "summary.json")["ended_by"] == "error");
  CHECK_NOTHROW(read_safetensors(run / "checkpoints" / "update_000005.safetensors"));
}

TEST_CASE("a run that a worker's death ends before its first checkpoint does not say that weights are kept") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  ::setenv("GENKIDAMA_TEST_SLOW", "0", 1);
  RunningProgram program(
      call("train", "--workers", "1", "--max-worker-crashes", "0", "--run-dir", run.string()));
  ::unsetenv("GENKIDAMA_TEST_SLOW");
  REQUIRE(program.wait_for_error_text("played three steps"));
  REQUIRE(program.workers().size() == 1);
  ::kill(program.workers()[0], SIGKILL);
  const auto result = program.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find("training stopped (after update 0); no checkpoint was written before\n") !=
        std::string::npos);
  CHECK(result.errors.find("kept") == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(run / "state.safetensors"));
  CHECK(json_of(run / "summary.json")["error"].get<std::string>().find("kept") == std::string::npos);
}

TEST_CASE("rewards that are too large earn one warning, and the run goes on") {
  const TemporaryDirectory directory;
  const auto result =
      run_program(call("train", "--preset", "tuned", "--workers", "1", "--updates", "3", "--eval-episodes",
                       "0", "--reward-scale", "1e7", "--run-dir", (directory / "run").string()));
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  const auto at = result.errors.find("the value loss is ");
  REQUIRE(at != std::string::npos);
  CHECK(result.errors.find("--reward-scale", at) != std::string::npos);
  CHECK(result.errors.find("the value loss is ", at + 1) == std::string::npos);
}

TEST_CASE("a run of dqn whose learning rate spoils it earns one warning that says what to try") {
  const TemporaryDirectory directory;
  const auto errors_with = [&](const char* rate) {
    const auto result = run_program(call("train", "--preset", "dqn", "--workers", "1", "--max-steps", "3000",
                                         "--eval-episodes", "0", "--learning-rate", rate, "--run-dir",
                                         (directory / rate).string()));
    CAPTURE(result.errors);
    CHECK(result.exit_code == 0);
    return result.errors;
  };
  const std::string text = "the weights are ", spoilt = errors_with("100");
  const auto at = spoilt.find(text);
  CAPTURE(spoilt);
  REQUIRE(at != std::string::npos);
  CHECK(spoilt.find("lower --learning-rate, or set --max-gradient-norm", at) != std::string::npos);
  CHECK(spoilt.find(text, at + 1) == std::string::npos);
  CHECK(errors_with("1e-3").find(text) == std::string::npos);
}

TEST_CASE("a run whose only checkpoint is its state names the state when a worker's death ends it") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram program(call("train", "--workers", "1", "--max-worker-crashes", "0", "--checkpoint-every",
                              "1000000", "--checkpoint-seconds", "0.1", "--run-dir", run.string()));
  REQUIRE(program.wait_until([&] { return std::filesystem::exists(run / "state.safetensors"); }));
  REQUIRE(program.workers().size() == 1);
  ::kill(program.workers()[0], SIGKILL);
  const auto result = program.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK(result.errors.find("the last good checkpoint is " + (run / "state.safetensors").string() + ", and " +
                           "--resume " + run.string() + " goes on from it") != std::string::npos);
}

TEST_CASE("a full disk does not end a run, and the earlier checkpoint survives") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram program(
      call("train", "--workers", "1", "--checkpoint-every", "5", "--run-dir", run.string()));
  const auto first = run / "checkpoints" / "update_000005.safetensors";
  // The second file of a checkpoint, after the state.
  REQUIRE(program.wait_until([&] { return std::filesystem::exists(first); }));
  const std::string before = file_text(first);
  limit_file_size(program.pid(), 1000);
  REQUIRE(program.wait_for_error_text("checkpoint of update"));
  CHECK(file_text(first) == before);
  CHECK_NOTHROW(read_safetensors(run / "state.safetensors"));

  SECTION("with room again the run ends well") {
    limit_file_size(program.pid(), RLIM_INFINITY);
    program.signal(SIGTERM);
    CHECK(program.wait().exit_code == 128 + SIGTERM);
    CHECK_NOTHROW(read_safetensors(run / "final.safetensors"));
  }
  const auto last_line = [](const std::string& text) {
    const auto end = text.find_last_not_of('\n');
    return text.substr(text.rfind('\n', end) + 1);
  };
  SECTION("without room for the final weights the run has failed") {
    program.signal(SIGTERM);
    const auto result = program.wait();
    CHECK(result.exit_code == 1);
    CHECK_FALSE(std::filesystem::exists(run / "final.safetensors"));
    CHECK_THAT(last_line(result.errors),
               Catch::StartsWith("error: the run's last state could not be written") &&
                   Catch::Contains("the final policy could not be written"));
  }
  SECTION("the final weights are written where they fit and the state does not") {
    limit_file_size(program.pid(), before.size() + 2000);
    REQUIRE(std::filesystem::file_size(run / "state.safetensors") > before.size() + 2000);
    program.signal(SIGTERM);
    const auto result = program.wait();
    CHECK(result.exit_code == 1);
    CHECK_NOTHROW(read_safetensors(run / "final.safetensors"));
    CHECK(json_of(run / "summary.json")["ended_by"] == "signal");
    CHECK_THAT(last_line(result.errors),
               Catch::StartsWith("error: the run's last state could not be written") &&
                   !Catch::Contains("final policy"));
  }
  CHECK(program.all_gone());
}

TEST_CASE("an evaluation tells the same by table and by file, and follows its seed") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  REQUIRE(run_program(call("train", "--preset", "other", "--workers", "1", "--updates", "5",
                           "--eval-episodes", "7", "--run-dir", run.string()))
              .exit_code == 0);
  const auto evaluate = [&](const std::string& seed, const std::string& workers) {
    const auto file = directory / ("evaluation_" + seed + ".json");
    // The preset, and with it the network, is the one the checkpoint names.
    const auto result =
        run_program(call("evaluate", "--checkpoint", (run / "final.safetensors").string(), "--episodes", "7",
                         "--seed", seed, "--workers", workers, "--json", file.string()));
    CAPTURE(result.errors);
    REQUIRE(result.exit_code == 0);
    CHECK(result.output.find("mean return") != std::string::npos);
    return json_of(file);
  };
  const auto seven = evaluate("7", "2");
  CHECK(seven["preset"] == "other");
  CHECK(seven["episodes"] == 7);
  CHECK(seven["threshold"] == 475);
  // The final evaluation of a run plays the same episodes.
  CHECK(seven["mean"] == json_of(run / "summary.json")["final_evaluation"]["mean"]);
  CHECK(evaluate("8", "1")["mean"] != seven["mean"]);
}

TEST_CASE("a long run's metrics are thinned out, and end with its last update", "[forks]") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  // It learns next to nothing, so that its episodes remain short.
  const auto result = run_program(call("train", "--workers", "1", "--updates", "10503", "--seed", "4",
                                       "--learning-rate", "1e-9", "--checkpoint-every", "5000",
                                       "--eval-episodes", "0", "--run-dir", run.string()));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  const auto metrics = csv_of(run / "metrics.csv");
  CHECK(metrics.size() > 10'001 + 20);
  CHECK(metrics.size() < 10'001 + 120);
  CHECK(metrics[10'000][0] == "10000");
  CHECK(metrics.back()[0] == "10503");
  CHECK(metrics.back()[1] == std::to_string(json_of(run / "summary.json")["environment_steps"].get<int>()));
}

TEST_CASE("train begins with a policy file, ends by patience, and tells both", "[forks]") {
  const TemporaryDirectory directory;
  const auto first = (directory / "first").string();
  REQUIRE(run_program(
              call("train", "--workers", "1", "--updates", "2", "--eval-episodes", "0", "--run-dir", first))
              .exit_code == 0);
  const std::string file = first + "/final.safetensors";
  const auto second = (directory / "second").string();
  // No policy is better than 500, where CartPole's episodes end; few evaluations are needed to show the end.
  const auto result = run_program(call("train", "--workers", "1", "--max-steps", "300000", "--eval-episodes",
                                       "0", "--evaluate-every", "1", "--target-episodes", "1", "--patience",
                                       "2", "--init-from", file, "--run-dir", second));
  CAPTURE(result.errors, result.output);
  REQUIRE(result.exit_code == 0);
  CHECK(result.errors.find("or after 2 evaluations without improvement") != std::string::npos);
  CHECK(result.output.find("Run ended by patience") != std::string::npos);
  CHECK(result.output.find("kept as " + second + "/best.safetensors") != std::string::npos);
  const auto summary = json_of(second + "/summary.json");
  CHECK(summary["ended_by"] == "patience");
  CHECK(summary["init_from"] == file);
  CHECK(json_of(second + "/config.json")["init_from"] == file);
  CHECK(json_of(second + "/config.json")["patience"] == 2);

  // The record of the file does not keep the run from going on; the flag does.
  const auto resume = [&](const std::vector<std::string>& flags) {
    auto words = call("train", "--resume", second, "--patience", "1000", "--max-steps", "400");
    words.insert(words.end(), flags.begin(), flags.end());
    return run_program(words);
  };
  CHECK(resume({}).exit_code == 0);
  CHECK(json_of(second + "/config.json")["init_from"] == file);
  const auto refused = resume({"--init-from", file});
  CHECK(refused.exit_code == 2);
  CHECK(refused.errors.find("error: --init-from " + file + ": the run in " + second +
                            " goes on from its own state; leave --init-from out") == 0);
}

TEST_CASE("the Parent of a cluster begins with a policy file", "[forks]") {
  const TemporaryDirectory directory;
  const auto first = (directory / "first").string();
  REQUIRE(run_program(
              call("train", "--workers", "1", "--updates", "2", "--eval-episodes", "0", "--run-dir", first))
              .exit_code == 0);
  const std::string file = first + "/final.safetensors";
  const auto run = (directory / "run").string();
  const auto words = call("cluster", "--children", "1", "--workers", "1", "--updates", "2", "--eval-episodes",
                          "0", "--alpha", "0", "--init-from", file, "--run-dir", run);
  const auto result = run_program(words);
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  // With alpha 0 nothing of a Child gets into them.
  CHECK(read_safetensors(run + "/final.safetensors").weights == read_safetensors(file).weights);
  const auto resumed = run_program(call("cluster", "--resume", run, "--updates", "3"));
  CAPTURE(resumed.errors);
  CHECK(resumed.exit_code == 0);
  CHECK(json_of(run + "/summary.json")["updates"] == 3);
}
