// Populations as programs: a cluster, and a Parent with Children of its own.
#include <algorithm>
#include <csignal>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bad_argument.h"
#include "fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

const std::vector<std::string> kQuickly = {"--preset",      "tuned", "--seed",    "7",
                                           "--round-steps", "256",   "--workers", "1"};
const std::vector<std::string> kExplores = {
    "--population",  "--explore", "learning-rate=1e-4..1e-2 log", "--explore", "entropy-weight=0..0.05",
    "--ready-steps", "1024"};

std::vector<std::string> member_call(const std::filesystem::path& run, const std::string& port) {
  return with(call("child", "--population", "--connect", "127.0.0.1:" + port, "--name",
                   run.filename().string(), "--run-dir", run.string(), "--eval-episodes", "0"),
              kQuickly);
}

std::vector<std::string> column(const std::filesystem::path& file, const std::string& name) {
  const auto table = csv_of(file);
  const std::size_t at = column_of(table, name);
  std::vector<std::string> fields;
  for (std::size_t row = 1; row < table.size(); ++row) fields.push_back(table[row].at(at));
  return fields;
}

}  // namespace

TEST_CASE("a cluster trains a population, records each change of a member, and evaluates the best") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto result = run_program(with(with(call("cluster", "--children", "3", "--max-steps", "30000",
                                                 "--eval-episodes", "3", "--run-dir", run.string()),
                                            kQuickly),
                                       kExplores));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["exchange"] == "population");
  CHECK_FALSE(summary.contains("alpha"));
  CHECK_FALSE(summary.contains("merge_rule"));
  CHECK(summary["final_evaluation"]["episodes"] == 3);
  CHECK(json_of(run / "config.json")["exchange"] == "population");
  const auto& population = summary["population"];
  CHECK(population["ready_steps"] == 1024);
  REQUIRE(population["members"].size() == 3);
  std::uint64_t copies = 0, steps = 0;
  double best = -1;
  std::string best_name;
  for (const auto& member : population["members"]) {
    copies += member["copies"].get<std::uint64_t>();
    steps += member["environment_steps"].get<std::uint64_t>();
    const double rate = member["values"]["learning_rate"];
    CHECK(rate >= 1e-4);
    CHECK(rate <= 1e-2);
    if (member.contains("score") && member["score"].get<double>() > best) {
      best = member["score"];
      best_name = member["name"];
    }
  }
  CHECK(population["best"] == best_name);
  CHECK(steps == summary["environment_steps"].get<std::uint64_t>());
  const auto table = csv_of(run / "population.csv");
  CHECK(table[0] == std::vector<std::string>{"update", "environment_steps", "wall_seconds", "member",
                                             "member_steps", "change", "source", "score", "source_score",
                                             "learning_rate_before", "learning_rate", "entropy_weight_before",
                                             "entropy_weight"});
  const auto changes = column(run / "population.csv", "change");
  CHECK(std::count(changes.begin(), changes.end(), "start") == 3);
  CHECK(static_cast<std::uint64_t>(std::count(changes.begin(), changes.end(), "exploit")) == copies);
  CHECK(copies > 0);
  // What the Parent tells and what the Child learns with are one.
  for (std::size_t row = 1; row < table.size(); ++row) {
    if (table[row][5] != "start") continue;
    const auto rates = column(run / "children" / table[row][3] / "metrics.csv", "learning_rate");
    REQUIRE_FALSE(rates.empty());
    // The schedule lowers it a little within the first round.
    CHECK(std::stod(rates[0]) == Approx(std::stod(table[row][10])).epsilon(0.1));
  }
  const auto metrics = csv_of(run / "metrics.csv");
  CHECK(metrics.back().at(column_of(metrics, "best_member")) == best_name);
}

TEST_CASE("a population whose Parent is killed goes on with its members, scores and values") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const std::vector<std::string> parent_words =
      with(call("parent", "--eval-episodes", "0", "--checkpoint-every", "5", "--max-steps", "100000000"),
           kExplores);
  auto parent =
      std::make_unique<RunningProgram>(with(parent_words, {"--preset", "tuned", "--seed", "7", "--listen",
                                                           "127.0.0.1:0", "--run-dir", run.string()}));
  const std::string port = listening_port(*parent);
  REQUIRE_FALSE(port.empty());
  RunningProgram first(member_call(directory / "first", port)),
      second(member_call(directory / "second", port));
  const auto table = run / "population.csv";
  const auto changes = [&] { return csv_of(table).size(); };
  REQUIRE(parent->wait_until(
      [&] { return std::filesystem::exists(run / "state.safetensors") && changes() > 4; }));
  parent->signal(SIGKILL);
  parent->wait();
  // Members train on meanwhile.
  const auto rounds = [&] { return csv_of(directory / "first" / "metrics.csv").size(); };
  const auto before = rounds();
  REQUIRE(first.wait_until([&] { return rounds() > before + 2; }));
  parent = std::make_unique<RunningProgram>(
      with(call("parent", "--listen", "127.0.0.1:" + port), {"--resume", run.string()}));
  REQUIRE(parent->wait_for_error_text("listens on port"));
  // What came after the state is gone from the table, and nobody begins anew.
  const auto kept = changes();
  REQUIRE(parent->wait_until([&] { return changes() > kept; }));
  const auto starts = column(table, "change");
  CHECK(std::count(starts.begin(), starts.end(), "start") == 2);
  const auto updates = column(table, "update");
  CHECK(std::is_sorted(updates.begin(), updates.end(), [](const std::string& a, const std::string& b) {
    return std::stoull(a) < std::stoull(b);
  }));
  parent->signal(SIGTERM);
  CHECK(parent->wait().exit_code == 128 + SIGTERM);
  for (RunningProgram* child : {&first, &second}) {
    const auto end = child->wait();
    CAPTURE(end.errors);
    CHECK(end.exit_code == 0);
  }
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["epoch"] == 1);
  CHECK(summary["population"]["members"].size() == 2);
}

TEST_CASE("a member that is killed is taken up by the next process of its name") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram parent(with(call("parent", "--eval-episodes", "0", "--preset", "tuned", "--seed", "7",
                                  "--listen", "127.0.0.1:0", "--run-dir", run.string()),
                             kExplores));
  const std::string port = listening_port(parent);
  RunningProgram other(member_call(directory / "other", port));
  auto lost = std::make_unique<RunningProgram>(member_call(directory / "lost", port));
  const auto of_lost = [&] {
    const auto members = column(run / "metrics.csv", "child");
    return std::count(members.begin(), members.end(), "lost");
  };
  REQUIRE(parent.wait_until([&] { return std::filesystem::exists(run / "metrics.csv") && of_lost() > 2; }));
  lost->signal(SIGKILL);
  lost->wait();
  REQUIRE(parent.wait_for_error_text("'lost' (session"));
  const auto before = of_lost();
  // A process that knows nothing of the one before.
  std::filesystem::rename(directory / "lost", directory / "aside");
  lost = std::make_unique<RunningProgram>(member_call(directory / "lost", port));
  REQUIRE(parent.wait_until([&] { return of_lost() > before + 2; }));
  parent.signal(SIGTERM);
  parent.wait();
  const auto summary = json_of(run / "summary.json");
  REQUIRE(summary["population"]["members"].size() == 2);
  std::set<std::string> names;
  for (const auto& member : summary["population"]["members"]) names.insert(member["name"]);
  CHECK(names == std::set<std::string>{"lost", "other"});
}

TEST_CASE("a population that cannot be is a bad argument") {
  const std::vector<std::string> cluster = call("cluster", "--population", "--max-steps", "1000");
  check_bad_argument(cluster, "--population explores hyperparameters; expected --explore \"NAME=LOW..HIGH\"");
  check_bad_argument(with(cluster, {"--explore", "epochs=1..4"}),
                     "'epochs' cannot change while a member trains");
  check_bad_argument(with(cluster, {"--explore", "gamma=0.9..0.99", "--children", "1"}),
                     "--children is 1 with --population; expected at least 2");
}
