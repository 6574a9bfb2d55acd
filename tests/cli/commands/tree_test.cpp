// Parents that are Children of other Parents, as programs, and those that a cluster starts.
#include <csignal>

#include "bad_argument.h"
#include "fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

std::vector<std::string> training(const std::filesystem::path& run,
                                  const std::vector<std::string>& more = {}) {
  return with({"--preset", "tuned", "--seed", "7", "--run-dir", run.string()}, more);
}

/// A call of the test program.
std::vector<std::string> refused(const std::vector<std::string>& words) {
  return with(call(), words);
}

const std::vector<std::string> kQuickly = {"--round-steps", "256", "--workers", "1", "--eval-episodes", "3"};

std::vector<std::string> parent_call(const std::filesystem::path& run, const std::vector<std::string>& more) {
  return with(call("parent", "--listen", "127.0.0.1:0", "--eval-episodes", "0", "--checkpoint-every", "5"),
              training(run, more));
}

std::vector<std::string> child_call(const std::filesystem::path& run, const std::string& port) {
  return with(call("child", "--connect", "127.0.0.1:" + port, "--name", run.filename().string()),
              training(run, {"--round-steps", "256", "--workers", "1", "--eval-episodes", "0"}));
}

}  // namespace

TEST_CASE("a cluster with middle Parents trains, and each level tells what it did") {
  const auto [exchange, upper] = GENERATE(table<const char*, const char*>(
      {{"each", "same"}, {"each", "rounds"}, {"rounds", "each"}, {"rounds", "same"}}));
  CAPTURE(exchange, upper);
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  const auto result = run_program(
      with(call("cluster"),
           training(run, with(kQuickly, {"--children", "3", "--groups", "2", "--exchange", exchange,
                                         "--upper-exchange", upper, "--max-steps", "9000"}))));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  const auto top = json_of(run / "summary.json");
  CHECK(top["ended_by"] == "max_steps");
  CHECK(top["environment_steps"] >= 9000);
  // Whoever came first may have played all of it.
  CHECK(top["children"].size() >= 1);
  CHECK(top["final_evaluation"]["episodes"] == 3);
  CHECK_FALSE(top.contains("upper"));
  std::uint64_t told = 0, exchanges = 0, of_children = 0;
  for (const char* const name : {"group_1", "group_2"}) {
    const auto place = run / "groups" / name;
    const auto middle = json_of(place / "summary.json");
    CHECK(middle["ended_by"] == "parent");
    exchanges += middle["upper"]["exchanges"].get<std::uint64_t>();
    CHECK(middle["name"] == name);
    told += middle["upper"]["told_steps"].get<std::uint64_t>();
    const auto metrics = csv_of(place / "metrics.csv");
    const auto in_rows = column_of(metrics, "upper_exchanges"),
               connected = column_of(metrics, "upper_connected");
    for (std::size_t i = 1; i < metrics.size(); ++i) {
      CHECK(std::stoull(metrics[i][in_rows]) <= middle["upper"]["exchanges"].get<std::uint64_t>());
      CHECK((metrics[i][connected] == "0" || metrics[i][connected] == "1"));
    }
  }
  CHECK(exchanges > 0);
  CHECK(told >= 9000);
  for (const char* const name : {"child_1", "child_2", "child_3"})
    of_children += json_of(run / "children" / name / "summary.json")["exchanges"].get<std::uint64_t>();
  CHECK(of_children > 0);
}

TEST_CASE("a middle Parent that is killed leaves the others at work, and its next process takes part again") {
  const TemporaryDirectory directory;
  RunningProgram top(parent_call(directory / "top", {"--name", "top", "--max-steps", "10000000"}));
  const std::string port = listening_port(top);
  const std::vector<std::string> below = {"--upper", "127.0.0.1:" + port, "--name", "middle"};
  auto middle = std::make_unique<RunningProgram>(parent_call(directory / "middle", below));
  const std::string middle_port = listening_port(*middle);
  REQUIRE_FALSE(middle_port.empty());
  CHECK_THAT(middle->errors(), Contains("joined the upper Parent at 127.0.0.1:" + port));
  RunningProgram child(child_call(directory / "child", middle_port));
  const auto rows = [&] { return csv_of(directory / "top" / "metrics.csv").size(); };
  REQUIRE(top.wait_until([&] { return rows() > 3; }));
  REQUIRE(middle->wait_until(
      [&] { return std::filesystem::exists(directory / "middle" / "state.safetensors"); }));
  middle->signal(SIGKILL);
  middle->wait();
  const auto before = csv_of(directory / "child" / "metrics.csv").size();
  REQUIRE(child.wait_until([&] { return csv_of(directory / "child" / "metrics.csv").size() > before + 3; }));
  middle = std::make_unique<RunningProgram>(with(
      call("parent", "--listen", "127.0.0.1:" + middle_port, "--resume", (directory / "middle").string()),
      below));
  REQUIRE(middle->wait_for_error_text("this Parent goes on with its session"));
  const auto rows_before = rows();
  REQUIRE(top.wait_until([&] { return rows() > rows_before + 3; }));
  top.signal(SIGTERM);
  CHECK(top.wait().exit_code == 128 + SIGTERM);
  const auto end = middle->wait(), of_child = child.wait();
  CAPTURE(end.errors, of_child.errors);
  // Told from level to level.
  CHECK(end.exit_code == 0);
  CHECK(of_child.exit_code == 0);
  CHECK_THAT(of_child.errors, Contains("the upper Parent ended the run"));
  CHECK(json_of(directory / "middle" / "summary.json")["ended_by"] == "parent");
  CHECK(json_of(directory / "child" / "summary.json")["reconnects"] >= 1);
}

TEST_CASE("a middle Parent that is told to stop ends its Children, and tells the upper one the last of it") {
  const TemporaryDirectory directory;
  RunningProgram top(parent_call(directory / "top", {"--name", "top"}));
  const std::string port = listening_port(top);
  RunningProgram middle(
      parent_call(directory / "middle", {"--upper", "127.0.0.1:" + port, "--name", "middle"}));
  RunningProgram child(child_call(directory / "child", listening_port(middle)));
  REQUIRE(middle.wait_until([&] { return csv_of(directory / "middle" / "metrics.csv").size() > 5; }));
  middle.signal(SIGTERM);
  CHECK(middle.wait().exit_code == 128 + SIGTERM);
  CHECK(child.wait().exit_code == 0);
  REQUIRE(top.wait_for_error_text("'middle'"));
  top.signal(SIGTERM);
  CHECK(top.wait().exit_code == 128 + SIGTERM);
  const auto of_middle = json_of(directory / "middle" / "summary.json");
  CHECK(of_middle["upper"]["told_steps"] == of_middle["environment_steps"]);
  CHECK(json_of(directory / "top" / "summary.json")["environment_steps"] == of_middle["environment_steps"]);
}

TEST_CASE("a middle Parent that finds no upper one, or another network, ends with one error") {
  const TemporaryDirectory directory;
  SECTION("nobody is there") {
    const auto result = run_program(parent_call(
        directory / "middle", {"--upper", "127.0.0.1:1", "--join-timeout", "0.3", "--name", "middle"}));
    CAPTURE(result.errors);
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.errors, Contains("no upper Parent within") && Contains("127.0.0.1:1"));
    CHECK(json_of(directory / "middle" / "summary.json")["ended_by"] == "error");
  }
  SECTION("another network") {
    RunningProgram top(parent_call(directory / "top", {}));
    const auto result = run_program(
        parent_call(directory / "middle", {"--upper", "127.0.0.1:" + listening_port(top), "--hidden", "8"}));
    CAPTURE(result.errors);
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.errors, Contains("refused this network"));
  }
}

TEST_CASE("what cannot be meant of levels is refused") {
  check_bad_argument(refused({"parent", "--listen", "127.0.0.1:0", "--upper-exchange", "rounds"}),
                     "--upper-exchange is for a Parent with one above it; expected it together with --upper");
  check_bad_argument(refused({"parent", "--listen", "127.0.0.1:0", "--upper-merges", "5"}), "--upper-merges");
  check_bad_argument(
      refused({"parent", "--listen", "127.0.0.1:0", "--upper", "127.0.0.1:1", "--upper", "127.0.0.1:2"}),
      "at most one --upper");
  check_bad_argument(refused({"parent", "--upper", "127.0.0.1:1"}), "needs --listen");
  check_bad_argument(refused({"parent", "--listen", "127.0.0.1:0", "--upper", "nowhere"}), "nowhere");
  check_bad_argument(refused({"cluster", "--children", "2", "--groups", "3"}),
                     "--groups is 3, with 2 Children");
  check_bad_argument(refused({"cluster", "--groups", "2", "--exchange", "segments"}),
                     "--groups is for --exchange each");
  check_bad_argument(refused({"cluster", "--groups", "2", "--topology", "ring"}),
                     "--groups and --topology are both given");
  check_bad_argument(refused({"cluster", "--upper-exchange", "each"}), "expected it together with --groups");
  check_bad_argument(
      refused({"cluster", "--groups", "2", "--exchange", "rounds", "--average-moments", "true"}),
      "--average-moments is given together with --groups");
  check_bad_argument(refused({"simulate", "--cut", "weights", "--machines", "4", "--groups", "5"}),
                     "--groups is 5");
  check_bad_argument(refused({"simulate", "--cut", "weights", "--machines", "4", "--groups", "1"}),
                     "--groups is 1");
  check_bad_argument(refused({"simulate", "--cut", "segments", "--machines", "4", "--groups", "2"}),
                     "--cut tree and --cut weights");
}
