// Servers and the hosts of their environments as programs.
#include <csignal>
#include <memory>

#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

std::vector<std::string> training(const std::filesystem::path& run, const std::vector<std::string>& more) {
  return with({"--preset", "tuned", "--seed", "7", "--round-steps", "256", "--eval-episodes", "3",
               "--checkpoint-every", "10", "--run-dir", run.string()},
              more);
}

const std::vector<std::string> kShort = {"--workers", "1", "--max-steps", "1500"};
/// Until it is told to stop.
const std::vector<std::string> kLong = {"--workers", "2",           "--envs-per-worker",
                                        "4",         "--max-steps", "10000000"};

std::vector<std::string> server_call(const std::filesystem::path& run, const std::vector<std::string>& more) {
  return with(call("server", "--listen", "127.0.0.1:0"), training(run, more));
}

std::vector<std::string> host_call(const std::string& where, const std::string& environments = "4",
                                   const std::vector<std::string>& more = {}) {
  return with(call("environment-host", "--connect", where, "--envs", environments), more);
}

std::string endpoint(RunningProgram& server) {
  return "127.0.0.1:" + listening_port(server);
}

}  // namespace

TEST_CASE("a server learns what train learns, bit for bit, and its host ends with it") {
  const TemporaryDirectory directory;
  const auto local = run_program(with(call("train"), training(directory / "local", kShort)));
  REQUIRE(local.exit_code == 0);
  RunningProgram server(server_call(directory / "server", kShort));
  RunningProgram host(host_call(endpoint(server)));
  const auto result = server.wait(), of_host = host.wait();
  CAPTURE(result.errors, of_host.errors);
  CHECK(result.exit_code == 0);
  CHECK(of_host.exit_code == 0);
  CHECK(server.all_gone());
  CHECK(host.all_gone());
  CHECK_THAT(of_host.errors, Contains("the run is over"));
  CHECK(read_safetensors(directory / "server" / "final.safetensors").weights ==
        read_safetensors(directory / "local" / "final.safetensors").weights);
  const auto far = json_of(directory / "server" / "summary.json"),
             near = json_of(directory / "local" / "summary.json");
  CHECK(far["command"] == "server");
  CHECK(far["environment_steps"] == near["environment_steps"]);
  CHECK(far["final_evaluation"] == near["final_evaluation"]);
  // What its host did, in the summary and in each row.
  CHECK_FALSE(near.contains("hosts"));
  const auto& hosts = far["hosts"];
  CHECK(hosts["connected"] == 1);
  CHECK(hosts["joined"] == 1);
  CHECK(hosts["lost"] == 0);
  CHECK(hosts["environments"] == 1);
  CHECK(hosts["hosted_environments"] == 1);
  CHECK(hosts["replaced_environments"] == 0);
  CHECK(hosts["steps"] >= far["environment_steps"]);
  CHECK(hosts["episodes_begun"] >= far["episodes"]);
  CHECK(hosts["lost_steps"] == 0);
  CHECK(hosts["by_host"].size() == 1);
  CHECK(hosts["by_host"][0]["environments"] == 4);
  CHECK(hosts["by_host"][0]["used"] == 1);
  const auto rows = csv_of(directory / "server" / "metrics.csv");
  const auto sum_of = [&rows](const std::string& name) {
    const auto at = std::find(rows.at(0).begin(), rows.at(0).end(), name) - rows.at(0).begin();
    std::uint64_t sum = 0;
    for (std::size_t i = 1; i < rows.size(); ++i)
      sum += std::stoull(rows[i].at(static_cast<std::size_t>(at)));
    return sum;
  };
  CHECK(sum_of("hosts") == rows.size() - 1);
  CHECK(sum_of("hosted_environments") == rows.size() - 1);
  CHECK(sum_of("lost_hosts") == 0);
  CHECK(sum_of("round_trips") > 1500);
  // The evaluation after the last row is not in any.
  CHECK(sum_of("round_trips") <= hosts["round_trips"].get<std::uint64_t>());
  CHECK(sum_of("bytes_received") > 40 * 1500);
  CHECK(sum_of("bytes_received") <= hosts["bytes_received"].get<std::uint64_t>());
  CHECK(sum_of("bytes_sent") > 8 * 1500);
  CHECK(sum_of("bytes_sent") <= hosts["bytes_sent"].get<std::uint64_t>());
}

TEST_CASE("a server trains on when a host is killed, with another one, and says so") {
  const TemporaryDirectory directory;
  RunningProgram server(server_call(directory / "server", kLong));
  const std::string where = endpoint(server);
  RunningProgram first(host_call(where, "8", {"--name", "first"}));
  const auto rows = [&] { return csv_of(directory / "server" / "metrics.csv").size(); };
  REQUIRE(server.wait_until([&] { return rows() > 3; }));
  first.signal(SIGKILL);
  CHECK(first.wait().exit_code == 128 + SIGKILL);
  REQUIRE(server.wait_for_error_text("host 'first' is gone"));
  REQUIRE(server.wait_for_error_text("no host of environments is connected"));
  RunningProgram second(host_call(where, "8", {"--name", "second"}));
  REQUIRE(server.wait_for_error_text("host 'second'"));
  const auto before = rows();
  REQUIRE(server.wait_until([&] { return rows() > before + 3; }));
  server.signal(SIGTERM);
  const auto result = server.wait(), of_host = second.wait();
  CAPTURE(result.errors, of_host.errors);
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(of_host.exit_code == 0);
  CHECK(server.all_gone());
  const auto hosts = json_of(directory / "server" / "summary.json")["hosts"];
  CHECK(hosts["joined"] == 2);
  CHECK(hosts["lost"] == 1);
  CHECK(hosts["replaced_environments"] == 8);
  CHECK(hosts["by_host"][0]["name"] == "second");
}

TEST_CASE("a server replaces a worker that is killed, whose environments go on with the new one") {
  const TemporaryDirectory directory;
  RunningProgram server(server_call(directory / "server", kLong));
  RunningProgram host(host_call(endpoint(server), "8"));
  const auto rows = [&] { return csv_of(directory / "server" / "metrics.csv").size(); };
  REQUIRE(server.wait_until([&] { return rows() > 3; }));
  // The latest of its processes are the workers.
  auto processes = server.processes();
  std::sort(processes.begin(), processes.end());
  REQUIRE(processes.size() == 4);
  ::kill(processes.back(), SIGKILL);
  const auto before = rows();
  REQUIRE(server.wait_until([&] { return rows() > before + 3; }));
  server.signal(SIGTERM);
  const auto result = server.wait(), of_host = host.wait();
  CAPTURE(result.errors, of_host.errors);
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(of_host.exit_code == 0);
  CHECK(json_of(directory / "server" / "summary.json")["worker_restarts"] == 1);
}

TEST_CASE("a host without a server, or of another environment, ends with exit code 1 and says why") {
  const auto alone = run_program(host_call("127.0.0.1:1", "1", {"--join-timeout", "0.3"}));
  CAPTURE(alone.errors);
  CHECK(alone.exit_code == 1);
  CHECK_THAT(alone.errors, Contains("no link to the server at 127.0.0.1:1 within 0.3 s"));

  const TemporaryDirectory directory;
  RunningProgram server(server_call(directory / "server", kLong));
  const std::string where = endpoint(server);
  const auto other =
      run_program(with({GENKIDAMA_LANDER_PROGRAM}, {"environment-host", "--connect", where, "--envs", "2"}));
  CHECK(other.exit_code == 1);
  CHECK_THAT(other.errors, Contains("what is played differs") && Contains("LunarLander"));
  RunningProgram host(host_call(where, "1", {"--away-timeout", "0.3"}));
  REQUIRE(host.wait_for_error_text("joined"));
  server.signal(SIGKILL);
  server.wait();
  const auto left = host.wait();
  CHECK(left.exit_code == 1);
  CHECK_THAT(left.errors, Contains("has been away for 0.3 s"));
}

TEST_CASE("a signal ends a server whose hosts are not there, and a host whose server waits") {
  const TemporaryDirectory directory;
  RunningProgram server(server_call(directory / "server", kShort));
  const std::string where = endpoint(server);
  REQUIRE(server.wait_for_error_text("no host of environments is connected"));
  RunningProgram host(host_call(where));
  REQUIRE(host.wait_for_error_text("joined"));
  host.signal(SIGINT);
  CHECK(host.wait().exit_code == 128 + SIGINT);
  REQUIRE(server.wait_for_error_text("is gone"));
  server.signal(SIGINT);
  const auto result = server.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 128 + SIGINT);
  CHECK(server.all_gone());
  CHECK(json_of(directory / "server" / "summary.json")["hosts"]["lost"] == 1);
}

TEST_CASE("a round in which nobody has played a step is no update") {
  const TemporaryDirectory directory;
  RunningProgram server(server_call(directory / "server", kShort));
  REQUIRE(server.wait_for_error_text("no host of environments is connected"));
  server.signal(SIGTERM);
  const auto result = server.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 128 + SIGTERM);
  const auto summary = json_of(directory / "server" / "summary.json");
  CHECK(summary["updates"] == 0);
  CHECK(summary["environment_steps"] == 0);
  CHECK(summary["hosts"]["joined"] == 0);
  // The line of the columns.
  CHECK(csv_of(directory / "server" / "metrics.csv").size() == 1);
}

TEST_CASE("what a server and a host need is told") {
  const auto refusal = [](const std::vector<std::string>& words) {
    const auto result = run_program(words);
    CHECK(result.exit_code == 2);
    return result.errors;
  };
  CHECK_THAT(refusal(call("server")), Contains("a server needs --listen HOST:PORT"));
  CHECK_THAT(refusal(call("server", "--listen", "0.0.0.0:0")), Contains("--token-file"));
  CHECK_THAT(refusal(call("environment-host")), Contains("expected one --connect HOST:PORT, got 0"));
  CHECK_THAT(refusal(call("environment-host", "--connect", "127.0.0.1:1", "--envs", "0")),
             Contains("--envs is '0'"));
  CHECK_THAT(run_program(call("server", "--help")).output, Contains("--learning") && Contains("--listen"));
  CHECK_THAT(run_program(call("environment-host", "--help")).output,
             Contains("--envs") && Contains("--away-timeout") && Contains("--token-file") &&
                 !Contains("Presets:") && !Contains("HOST:PORT ...") && Contains("--connect HOST:PORT"));
}
