// Runs that are killed at any moment and go on.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "bad_argument.h"
#include "fixture.h"
#include "genkidama/core/random.h"
#include "genkidama/params/safetensors.h"
#include "run/state/machine_time.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

using Words = std::vector<std::string>;

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::size_t rows_in(const std::filesystem::path& table) {
  const std::string text = file_text(table);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Starts or resumes the run and kills it and all its processes, somewhere in its next `rows` rows, or before
/// it has got anywhere.
void run_and_kill(const Words& program, const std::filesystem::path& run, const Words& options,
                  Random& random, std::uint64_t rows) {
  const bool begun = std::filesystem::exists(run / "config.json");
  RunningProgram running(begun ? program + Words{"--resume", run.string()}
                               : program + options + Words{"--run-dir", run.string()});
  const auto before = begun ? rows_in(run / "metrics.csv") : 1;
  if (random.below(4) == 0) {
    const auto moment = std::chrono::steady_clock::now() + std::chrono::milliseconds(random.below(60));
    running.wait_until([&] { return std::chrono::steady_clock::now() >= moment; });
  } else {
    const auto enough = before + 1 + random.below(rows);
    running.wait_until([&] { return rows_in(run / "metrics.csv") > enough; });
  }
  for (const pid_t pid : running.processes()) ::kill(pid, SIGKILL);
  running.wait();
  REQUIRE(running.all_gone());
}

std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Everything that does not tell the time is the same in both.
void check_equal_runs(const std::filesystem::path& a, const std::filesystem::path& b) {
  CHECK(file_text(a / "final.safetensors") == file_text(b / "final.safetensors"));
  CHECK(timeless_csv_of(a / "metrics.csv") == timeless_csv_of(b / "metrics.csv"));
  REQUIRE(names_in(a / "checkpoints") == names_in(b / "checkpoints"));
  for (const std::string& name : names_in(a / "checkpoints")) {
    CAPTURE(name);
    CHECK(file_text(a / "checkpoints" / name) == file_text(b / "checkpoints" / name));
  }
  auto evaluations = [](const std::filesystem::path& run) {
    auto rows = csv_of(run / "evaluations.csv");
    for (auto& row : rows) row.erase(row.begin() + 2);
    return rows;
  };
  CHECK(evaluations(a) == evaluations(b));
  // Weights, the optimizer's state, the replay buffer, the average.
  const Checkpoint x = read_safetensors(a / "state.safetensors");
  const Checkpoint y = read_safetensors(b / "state.safetensors");
  CHECK_FALSE(x.layout.difference(y.layout));
  CHECK(x.weights == y.weights);
  for (const char* field : {"replay_stored", "environment_steps", "episodes", "optimizer_steps", "rounds",
                            "recent_returns", "policy_average_count"}) {
    CAPTURE(field);
    REQUIRE(x.metadata.count(field) == y.metadata.count(field));
    if (x.metadata.count(field) > 0) CHECK(x.metadata.at(field) == y.metadata.at(field));
  }
}

std::uint64_t updates_of_state(const std::filesystem::path& run) {
  return std::stoull(read_safetensors(run / "state.safetensors").metadata.at("updates"));
}

}  // namespace

TEST_CASE("a run with one worker that is killed again and again equals the uninterrupted one") {
  struct Case {
    const char* name;
    const char* program;
    Words options;
    std::uint64_t rows;  // between kills
  };
  const Case chosen = GENERATE(
      Case{"thesis, with a replay buffer",
           GENKIDAMA_TEST_PROGRAM,
           {"--updates", "120", "--checkpoint-every", "7", "--replay-capacity", "300"},
           40},
      Case{"ppo, with evaluations and an average",
           GENKIDAMA_TEST_PROGRAM,
           {"--preset", "tuned", "--round-steps", "200", "--max-steps", "12000", "--checkpoint-every", "4",
            "--target", "1e9", "--evaluate-every", "6", "--target-episodes", "2", "--policy-average", "ema"},
           20},
      Case{"two environments for a worker",
           GENKIDAMA_TEST_PROGRAM,
           {"--updates", "80", "--checkpoint-every", "7", "--envs-per-worker", "2", "--optimizer", "adam",
            "--learning-rate", "1e-3", "--policy-average", "swa"},
           30},
      Case{"LunarLander, with a replay buffer",
           GENKIDAMA_LANDER_PROGRAM,
           {"--updates", "60", "--checkpoint-every", "5", "--replay-capacity", "1000"},
           20});
  CAPTURE(chosen.name);
  const TemporaryDirectory directory;
  const Words program = {chosen.program, "train"};
  const Words options = chosen.options + Words{"--workers", "1", "--seed", "11", "--eval-episodes", "0"};
  const auto whole = run_program(program + options + Words{"--run-dir", (directory / "whole").string()});
  CAPTURE(whole.errors);
  REQUIRE(whole.exit_code == 0);

  Random random(20'000 + chosen.rows);
  for (int i = 0; i < 5; ++i) run_and_kill(program, directory / "parts", options, random, chosen.rows);
  // The last kill may have come after the end.
  if (!std::filesystem::exists(directory / "parts" / "summary.json")) {
    const auto last = run_program(program + Words{"--resume", (directory / "parts").string()});
    CAPTURE(last.errors);
    REQUIRE(last.exit_code == 0);
  }
  check_equal_runs(directory / "whole", directory / "parts");
}

TEST_CASE("a run whose last state is damaged goes on from the one before, and ends the same") {
  const TemporaryDirectory directory;
  const auto train = [&](const Words& words) {
    const auto result = run_program(call("train") + words + Words{"--eval-episodes", "0"});
    CAPTURE(result.errors);
    REQUIRE(result.exit_code == 0);
    return result;
  };
  const auto parts = directory / "parts";
  const Words options = {"--workers",         "1", "--checkpoint-every", "10", "--checkpoint-seconds", "0",
                         "--replay-capacity", "50"};
  train(options + Words{"--updates", "60", "--run-dir", (directory / "whole").string()});
  train(options + Words{"--updates", "35", "--run-dir", parts.string()});
  const auto state = parts / "state.safetensors";
  std::string text = file_text(state);
  text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
  std::ofstream(state, std::ios::binary) << text;

  const auto result = train({"--resume", parts.string(), "--updates", "60"});
  CHECK(result.errors.find("checksum") != std::string::npos);
  CHECK(result.errors.find((parts / "state.previous.safetensors").string() + ", of update 30") !=
        std::string::npos);
  CHECK(file_text(parts / "state.damaged.safetensors") == text);
  check_equal_runs(directory / "whole", parts);
  CHECK(csv_of(parts / "metrics.csv").size() == 61);

  SECTION("and without any that can be read the error names both") {
    for (const char* name : {"state.safetensors", "state.previous.safetensors"}) {
      std::ofstream(parts / name, std::ios::trunc) << "";
    }
    const auto failed = run_program(call("train", "--resume", parts.string(), "--updates", "70"));
    CAPTURE(failed.errors);
    CHECK(failed.exit_code == 2);
    CHECK(failed.errors.find((parts / "state.safetensors").string()) != std::string::npos);
    CHECK(failed.errors.find((parts / "state.previous.safetensors").string()) != std::string::npos);
    CHECK(csv_of(parts / "metrics.csv").size() == 61);
  }
}

TEST_CASE("a run that version 0.1 began goes on in its metrics.csv, with the columns of today") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto train = [&](const Words& words) {
    const auto result =
        run_program(Words(call("train")) + words + Words{"--workers", "1", "--eval-episodes", "0"});
    CAPTURE(result.errors);
    CHECK(result.exit_code == 0);
  };
  train({"--updates", "3", "--preset", "tuned", "--run-dir", run.string()});
  const auto rows = csv_of(run / "metrics.csv");
  const std::vector<std::string> added = {
      "approximate_kl", "clip_fraction", "explained_variance", "learning_rate", "gradient_norm",
      "deviation",      "lost_episodes", "optimizer_steps",    "model_error",   "imagined"};
  REQUIRE(rows[0].size() == 22);
  CHECK(std::equal(added.begin(), added.end(), rows[0].end() - 10));
  CHECK(std::stod(rows[1][15]) > 0);
  CHECK(std::stod(rows[1][16]) > 0);
  CHECK(rows[1][17] == "0");
  CHECK(rows[1][18] == "0");
  CHECK(std::stod(rows[1][19]) > 0);
  CHECK(rows[1][20] == "0");
  CHECK(rows[1][21] == "0");
  CHECK(std::stod(rows[1][12]) > 0);
  {
    std::ofstream old(run / "metrics.csv");
    for (const auto& row : rows) {
      for (std::size_t i = 0; i < 12; ++i) old << (i > 0 ? "," : "") << row[i];
      old << '\n';
    }
  }
  train({"--updates", "5", "--resume", run.string()});
  std::istringstream text(file_text(run / "metrics.csv"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  REQUIRE(lines.size() == 6);
  for (std::size_t i = 1; i < 6; ++i) {
    CAPTURE(lines[i]);
    CHECK(std::count(lines[i].begin(), lines[i].end(), ',') == 21);
    CHECK((lines[i].substr(lines[i].size() - 10) == ",,,,,,,,,,") == (i <= 3));
  }
  const auto again = csv_of(run / "metrics.csv");
  CHECK(again[0] == rows[0]);
  for (std::size_t i = 1; i < 4; ++i)
    CHECK(std::equal(rows[i].begin(), rows[i].begin() + 12, again[i].begin()));
}

TEST_CASE("a policy that a kill left missing beside its state is written when the run goes on") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  REQUIRE(run_program(call("train", "--workers", "1", "--updates", "10", "--checkpoint-every", "5",
                           "--eval-episodes", "0", "--run-dir", run.string()))
              .exit_code == 0);
  const auto policy = run / "checkpoints" / "update_000010.safetensors";
  const std::string before = file_text(policy);
  std::filesystem::remove(policy);
  REQUIRE(run_program(call("train", "--resume", run.string(), "--updates", "11")).exit_code == 0);
  CHECK(file_text(policy) == before);
}

TEST_CASE("a state is written by time too, for runs whose updates are rare") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram program(call("train", "--workers", "1", "--checkpoint-every", "100000000",
                              "--checkpoint-seconds", "0.05", "--run-dir", run.string()));
  REQUIRE(program.wait_until([&] { return std::filesystem::exists(run / "state.previous.safetensors"); }));
  program.signal(SIGKILL);
  program.wait();
  CHECK(std::filesystem::is_empty(run / "checkpoints"));
  CHECK(updates_of_state(run) > 0);
}

TEST_CASE("a young run writes its state long before --checkpoint-seconds have passed, and goes on from it") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const Words options = {"--workers", "1", "--checkpoint-every", "100000000", "--checkpoint-seconds", "1e9"};
  RunningProgram program(call("train") + options + Words{"--run-dir", run.string()});
  REQUIRE(program.wait_until([&] { return std::filesystem::exists(run / "state.previous.safetensors"); }));
  program.signal(SIGKILL);
  program.wait();
  const auto kept = updates_of_state(run);
  CHECK(kept > 0);
  const auto result = run_program(
      call("train", "--resume", run.string(), "--updates", std::to_string(kept + 5), "--eval-episodes", "0"));
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK(json_of(run / "summary.json")["updates"] == kept + 5);
}

TEST_CASE("a Parent that is killed comes back as the same run with a new epoch, and its Child rejoins") {
  const TemporaryDirectory directory;
  const auto run = directory / "parent";
  std::string port;
  {
    RunningProgram parent(call("parent", "--listen", "127.0.0.1:0", "--alpha", "0.5", "--checkpoint-every",
                               "100000000", "--checkpoint-seconds", "0.1", "--eval-episodes", "0",
                               "--run-dir", run.string()));
    port = listening_port(parent);
    CHECK(json_of(run / "parent.json")["epoch"] == 0);
    RunningProgram child(call("child", "--connect", "127.0.0.1:" + port, "--workers", "1", "--name", "ant",
                              "--round-steps", "200", "--eval-episodes", "0", "--updates", "1000000",
                              "--checkpoint-seconds", "0.1", "--run-dir", (directory / "child").string()));
    REQUIRE(parent.wait_until([&] { return std::filesystem::exists(run / "state.previous.safetensors"); }));
    REQUIRE(parent.wait_until(
        [&] { return std::filesystem::exists(directory / "child" / "state.safetensors"); }));
    parent.signal(SIGKILL);
    parent.wait();
    const auto kept = updates_of_state(run);
    CHECK(kept > 0);
    const auto identity = json_of(run / "parent.json");

    RunningProgram again(call("parent", "--resume", run.string(), "--listen", "127.0.0.1:" + port));
    listening_port(again);
    CHECK(json_of(run / "parent.json")["epoch"] == 1);
    CHECK(json_of(run / "parent.json")["run_id"] == identity["run_id"]);
    REQUIRE(again.wait_until([&] { return rows_in(run / "metrics.csv") > kept + 20; }));
    // And now the Child, which then goes on with what it had.
    for (const pid_t pid : child.processes()) ::kill(pid, SIGKILL);
    child.wait();
    const auto steps = json_of(directory / "child" / "config.json")["seed"];
    RunningProgram back(call("child", "--resume", (directory / "child").string()));
    REQUIRE(back.wait_for_error_text("goes on with its session"));
    const auto rows = rows_in(run / "metrics.csv");
    REQUIRE(again.wait_until([&] { return rows_in(run / "metrics.csv") > rows + 20; }));
    CHECK(json_of(directory / "child" / "config.json")["seed"] == steps);
    again.signal(SIGTERM);
    CHECK(again.wait().exit_code == 128 + SIGTERM);
    CHECK(back.wait().exit_code == 0);
  }
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["epoch"] == 1);
  CHECK(summary["children"]["ant"]["updates"] == summary["updates"]);
  CHECK(summary["children"]["ant"]["episodes"] == summary["episodes"]);
  CHECK(updates_of_state(run) == summary["updates"]);
  const auto rows = csv_of(run / "metrics.csv");
  for (std::size_t i = 1; i < rows.size(); ++i) REQUIRE(rows[i][0] == std::to_string(i));
  const auto child = json_of(directory / "child" / "summary.json");
  CHECK(child["exchanges"].get<std::uint64_t>() > 20);
  // Its rows go on where its state was, with the exchanges of both processes counted.
  const auto child_rows = csv_of(directory / "child" / "metrics.csv");
  for (std::size_t i = 1; i < child_rows.size(); ++i) REQUIRE(child_rows[i][0] == std::to_string(i));
  const auto exchanges = [&](std::size_t row) {
    return std::stoull(child_rows[row][child_rows[0].size() - 2]);
  };
  for (std::size_t i = 2; i < child_rows.size(); ++i) REQUIRE(exchanges(i) >= exchanges(i - 1));
  const auto column = [&](const char* name) {
    return static_cast<std::size_t>(std::find(child_rows[0].begin(), child_rows[0].end(), name) -
                                    child_rows[0].begin());
  };
  REQUIRE(column("bytes_received") < child_rows[0].size());
  // Both frames of an exchange have the same size here; the first weights on a link come on top.
  const auto bytes = [&](std::size_t row, const char* name) {
    return std::stoull(child_rows[row][column(name)]);
  };
  CHECK(bytes(1, "bytes_received") == 2 * bytes(1, "bytes_sent"));
}

TEST_CASE("a Child whose state is old takes the weights of its Parent") {
  const TemporaryDirectory directory;
  RunningProgram parent(call("parent", "--listen", "127.0.0.1:0", "--alpha", "0", "--eval-episodes", "0",
                             "--run-dir", (directory / "parent").string()));
  const auto run = directory / "child";
  REQUIRE(run_program(call("child", "--connect", "127.0.0.1:" + listening_port(parent), "--workers", "1",
                           "--updates", "5", "--eval-episodes", "0", "--run-dir", run.string()))
              .exit_code == 0);
  const auto resume = [&](const std::string& field, const std::string& value, int updates) {
    Checkpoint state = read_safetensors(run / "state.safetensors");
    REQUIRE(state.metadata.count(field) == 1);
    state.metadata[field] = value;
    // As of a version that had no checksum.
    for (const char* gone : {"checksum", "state_format"}) state.metadata.erase(gone);
    write_safetensors(run / "state.safetensors", state);
    const auto result =
        run_program(call("child", "--resume", run.string(), "--updates", std::to_string(updates)));
    CAPTURE(result.errors);
    CHECK(result.exit_code == 0);
    return result.errors;
  };
  // Another start of the machine: what its clock says about the time between tells nothing.
  CHECK_THAT(resume("written_boot", "another", 6),
             Catch::Contains("from before this machine was started: this Child takes its Parent's weights"));
  const auto now = run::machine_time();
  if (now.seconds > 200) {
    CHECK_THAT(resume("written_seconds", std::to_string(now.seconds - 150), 7),
               Catch::Contains("s old: this Child takes its Parent's weights"));
  }
  CHECK_THAT(resume("written_seconds", std::to_string(now.seconds), 8),
             Catch::Contains("s old: this Child goes on with its session"));
  parent.signal(SIGTERM);
  parent.wait();
}

TEST_CASE("a cluster that is killed as a whole goes on, whenever that was") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const Words options = {"--children",
                         "2",
                         "--workers",
                         "1",
                         "--alpha",
                         "0.5",
                         "--beta",
                         "0.5",
                         "--round-steps",
                         "300",
                         "--updates",
                         "2000",
                         "--checkpoint-every",
                         "20",
                         "--eval-episodes",
                         "0"};
  Random random(4);
  for (int i = 0; i < 3; ++i) run_and_kill(call("cluster"), run, options, random, 120);
  // One that only its lead was killed of is still ending when it is resumed.
  {
    RunningProgram cluster(call("cluster", "--resume", run.string()));
    REQUIRE(cluster.wait_for_error_text("joined as session"));
    cluster.signal(SIGKILL);
    cluster.wait();
    RunningProgram last(call("cluster", "--resume", run.string()));
    const auto result = last.wait();
    CAPTURE(result.errors);
    CHECK(result.exit_code == 0);
    CHECK(last.all_gone());
    CHECK(cluster.all_gone());
  }
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["ended_by"] == "updates");
  CHECK(summary["updates"] == 2000);
  CHECK(summary["children"].size() == 2);
  const auto rows = csv_of(run / "metrics.csv");
  REQUIRE(rows.size() == 2001);
  for (std::size_t i = 1; i < rows.size(); ++i) REQUIRE(rows[i][0] == std::to_string(i));
}

TEST_CASE("a cluster is resumed with the exchange that it was made with, and another one is refused") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto made =
      run_program(call("cluster", "--children", "1", "--workers", "1", "--exchange", "each", "--round-steps",
                       "100", "--updates", "3", "--eval-episodes", "0", "--run-dir", run.string()));
  CAPTURE(made.errors);
  REQUIRE(made.exit_code == 0);
  const std::string summary = file_text(run / "summary.json");
  const std::string expected = "expected 'each', with which the resumed run was made";
  check_bad_argument(call("cluster", "--resume", run.string(), "--exchange", "rounds", "--updates", "6"),
                     "--exchange is 'rounds'; " + expected);
  check_bad_argument(call("cluster", "--resume", run.string(), "--exchange", "segments", "--updates", "6"),
                     expected);
  CHECK(file_text(run / "summary.json") == summary);
  CHECK(run_program(call("cluster", "--resume", run.string(), "--exchange", "each", "--updates", "6"))
            .exit_code == 0);
  CHECK(json_of(run / "summary.json")["updates"] == 6);
}

TEST_CASE("a run is resumed with its own network, and another one is refused by the names of both") {
  const TemporaryDirectory directory;
  const std::string run = (directory / "run").string();
  REQUIRE(run_program(call("train", "--workers", "1", "--updates", "3", "--eval-episodes", "0", "--run-dir",
                           run, "--hidden", "7,5", "--activation", "relu", "--layer-norm"))
              .exit_code == 0);
  const auto goes_on = run_program(call("train", "--resume", run, "--updates", "5"));
  CAPTURE(goes_on.errors);
  CHECK(goes_on.exit_code == 0);
  CHECK(read_safetensors(run + "/final.safetensors").metadata.at("network") == "mlp 7 5 relu layer-norm");
  const auto refuse = [&](const std::string& flag, const std::string& other) {
    const auto refused = run_program(call("train", "--resume", run, "--updates", "6", flag));
    CAPTURE(refused.errors);
    CHECK(refused.exit_code == 2);
    CHECK(refused.errors.find("it holds 'mlp 7 5 relu layer-norm', and this network is '" + other + "'") !=
          std::string::npos);
  };
  refuse("--activation=tanh", "mlp 7 5 tanh layer-norm");
  refuse("--hidden=7", "mlp 7 relu layer-norm");
  refuse("--trunk=shared", "mlp 7 5 relu shared layer-norm");
  refuse("--layer-norm=false", "mlp 7 5 relu");
}

TEST_CASE("a resume that changes nothing leaves config.json, and other columns are no obstacle", "[forks]") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto resume = [&](const Words& options) {
    return run_program(call("train", "--resume", run.string()) + options);
  };
  const auto first =
      run_program(call("train", "--preset", "tuned", "--workers", "2", "--sharing", "server", "--servers",
                       "2", "--updates", "3", "--eval-episodes", "0", "--run-dir", run.string()));
  CAPTURE(first.errors);
  REQUIRE(first.exit_code == 0);
  const std::string config = file_text(run / "config.json");
  REQUIRE(column_of(csv_of(run / "metrics.csv"), "stale_gradients") > 0);
  // There is nothing left to do.
  CHECK(resume({"--sharing", "hogwild"}).exit_code == 0);
  CHECK(file_text(run / "config.json") == config);
  // Columns that are not written any more stay, with what was written.
  const auto other = resume({"--sharing", "hogwild", "--updates", "5"});
  CAPTURE(other.errors);
  REQUIRE(other.exit_code == 0);
  CHECK(json_of(run / "config.json")["sharing"] == "hogwild");
  const auto metrics = csv_of(run / "metrics.csv");
  REQUIRE(metrics.size() == 6);
  const std::size_t stale = column_of(metrics, "stale_gradients");
  CHECK(metrics[3][stale] == "0");
  CHECK(metrics[4][stale].empty());
}
