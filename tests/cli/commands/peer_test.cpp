// Peers as programs, and those that a cluster starts.
#include <csignal>
#include <fstream>

#include "bad_argument.h"
#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

std::vector<std::string> training(const std::filesystem::path& run,
                                  const std::vector<std::string>& more = {}) {
  return with({"--preset", "tuned", "--seed", "7", "--round-steps", "256", "--workers", "1",
               "--eval-episodes", "3", "--run-dir", run.string()},
              more);
}

std::vector<std::string> cluster_call(const std::filesystem::path& run,
                                      const std::vector<std::string>& more) {
  return with(call("cluster"), training(run, more));
}

}  // namespace

TEST_CASE("peers of every rule train, average and evaluate, and the cluster tells of each") {
  const std::string rule = GENERATE("gala", "diff-dac", "ad-psgd", "push-sum");
  const std::string topology = rule == "gala" || rule == "push-sum" ? "directed-ring" : "ring";
  // Rules that wait for nobody would on a busy machine let peers end before anything has come.
  const std::vector<std::string> patience =
      topology == "ring" ? std::vector<std::string>() : std::vector<std::string>{"--mixing-staleness", "3"};
  const TemporaryDirectory directory;
  const auto result = run_program(cluster_call(
      directory / "run",
      with({"--topology", topology, "--children", "3", "--mixing", rule, "--max-steps", "9000"}, patience)));
  CAPTURE(rule, result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.output, Contains("peer_3"));
  CHECK_THAT(result.output, Contains("worst"));
  const auto summary = json_of(directory / "run" / "summary.json");
  CHECK(summary["ended_by"] == "peers");
  REQUIRE(summary["peers"].size() == 3);
  double worst = 1e9;
  for (int number = 1; number <= 3; ++number) {
    const auto place = directory / "run" / "peers" / ("peer_" + std::to_string(number));
    const auto own = json_of(place / "summary.json");
    CHECK(own["rule"] == rule);
    CHECK(own["exchanges"] > 0);
    CHECK(own["neighbours"].size() == 2);
    CHECK(own["environment_steps"] >= 3000);
    worst = std::min(worst, own["final_evaluation"]["mean"].get<double>());
    const auto metrics = csv_of(place / "metrics.csv");
    const auto mixed = column_of(metrics, "mixed");
    CHECK(
        std::any_of(metrics.begin() + 1, metrics.end(), [&](const auto& row) { return row[mixed] != "0"; }));
  }
  CHECK(summary["worst"].get<double>() == Approx(worst));
}

TEST_CASE(
    "peers that are started by hand find each other, and one that is killed leaves the others at work") {
  const TemporaryDirectory directory;
  RunningProgram first(with(call("peer", "--listen", "127.0.0.1:0", "--name", "one"),
                            training(directory / "one", {"--updates", "100000"})));
  const std::string port = listening_port(first);
  REQUIRE_FALSE(port.empty());
  const auto neighbour = [&](const std::string& name, const std::vector<std::string>& more) {
    return with(call("peer", "--neighbour", "127.0.0.1:" + port, "--name", name),
                training(directory / name, more));
  };
  RunningProgram second(neighbour("two", {"--updates", "100000"}));
  REQUIRE(first.wait_for_error_text("'two'"));
  const auto third = run_program(neighbour("three", {"--updates", "5"}));
  CAPTURE(third.errors);
  CHECK(third.exit_code == 0);
  CHECK(json_of(directory / "three" / "summary.json")["exchanges"] > 0);
  second.signal(SIGKILL);
  second.wait();
  // A new process of it goes on with its run, and takes the weights of the one that has gone on.
  const auto back = run_program(with(call("peer", "--neighbour", "127.0.0.1:" + port, "--name", "two",
                                          "--resume", (directory / "two").string(), "--updates", "100001"),
                                     {"--max-steps", "1"}));
  CAPTURE(back.errors);
  CHECK((back.exit_code == 0 || back.exit_code == 2));
  first.signal(SIGTERM);
  const auto end = first.wait();
  CHECK(end.exit_code == 128 + SIGTERM);
  CHECK(first.all_gone());
  CHECK(json_of(directory / "one" / "summary.json")["ended_by"] == "signal");
}

TEST_CASE("a cluster of peers that is told to stop ends them all, and goes on later") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram cluster(cluster_call(run, {"--topology", "full", "--children", "3", "--updates", "100000"}));
  REQUIRE(cluster.wait_until([&] {
    for (const char* peer : {"peer_1", "peer_2", "peer_3"})
      if (!std::filesystem::exists(run / "peers" / peer / "state.safetensors")) return false;
    return true;
  }));
  cluster.signal(SIGTERM);
  const auto stopped = cluster.wait();
  CAPTURE(stopped.errors);
  CHECK(stopped.exit_code == 128 + SIGTERM);
  CHECK(cluster.all_gone());
  // Another run would replace what all of them have learnt.
  const auto config = file_text(run / "config.json");
  for (const auto& words :
       {cluster_call(run, {"--topology", "ring"}), cluster_call(run, {}), with(call("train"), training(run))})
    check_bad_argument(words, "a run is in this directory already; go on with it by --resume");
  CHECK(file_text(run / "config.json") == config);
  check_bad_argument(call("evaluate", "--checkpoint", run.string()), (run / "peers" / "peer_1").string());
  const auto before = json_of(run / "peers" / "peer_1" / "summary.json")["updates"].get<int>();
  const auto again =
      run_program(call("cluster", "--resume", run.string(), "--updates", std::to_string(before + 400)));
  CAPTURE(again.errors);
  CHECK(again.exit_code == 0);
  CHECK(json_of(run / "peers" / "peer_1" / "summary.json")["updates"].get<int>() >= before);
}

TEST_CASE("a cluster goes on with a peer whose neighbours have ended, and does not wait for them") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  REQUIRE(run_program(cluster_call(run, {"--topology", "ring", "--children", "4", "--max-steps", "8000"}))
              .exit_code == 0);
  const auto summary_of = [&](const std::string& peer) {
    return json_of(run / "peers" / peer / "summary.json");
  };
  for (const char* const peer : {"peer_1", "peer_2", "peer_3", "peer_4"})
    CHECK(summary_of(peer)["exchanges"] > 0);
  const auto ended = summary_of("peer_1");
  // Both neighbours of the last one were started before it.
  std::filesystem::remove_all(run / "peers" / "peer_4");
  const auto again = run_program(call("cluster", "--resume", run.string()));
  CAPTURE(again.errors);
  CHECK(again.exit_code == 0);
  CHECK(summary_of("peer_4")["environment_steps"] >= 2000);
  CHECK_THAT(file_text(run / "peers" / "peer_4" / "output.log"), !Contains("neighbours"));
  for (const char* const key : {"distance_mean", "distance_max", "exchanges"})
    CHECK(summary_of("peer_1")[key] == ended[key]);
}

TEST_CASE("a cluster of which a peer has failed has failed, and its others have trained") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  std::filesystem::create_directories(run / "peers" / "peer_2");
  std::ofstream(run / "peers" / "peer_2" / "summary.json") << "somebody's own\n";
  const auto result =
      run_program(cluster_call(run, {"--topology", "full", "--children", "3", "--max-steps", "6000"}));
  CAPTURE(result.errors);
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.errors, Contains("1 of 3 peers failed (peer_2)"));
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["ended_by"] == "error");
  CHECK(summary["peers"][0]["exchanges"] > 0);
  CHECK_FALSE(summary["peers"][1].contains("environment_steps"));
  CHECK(summary["peers"][2]["exchanges"] > 0);
}

TEST_CASE("a graph of a file is what the peers are connected by") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "graph.txt") << "# a line of three\n0 1\n1 2\n";
  const auto result =
      run_program(cluster_call(directory / "run", {"--topology", "file:" + (directory / "graph.txt").string(),
                                                   "--max-steps", "6000"}));
  CAPTURE(result.errors);
  REQUIRE(result.exit_code == 0);
  CHECK(json_of(directory / "run" / "peers" / "peer_1" / "summary.json")["neighbours"].size() == 1);
  CHECK(json_of(directory / "run" / "peers" / "peer_2" / "summary.json")["neighbours"].size() == 2);
}

TEST_CASE("flags of peers that cannot be are refused") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "halves.txt") << "0 1\n2 3\n";
  std::ofstream(directory / "bad.txt") << "0 1\n1 -> 2\n";
  const auto cluster = [](const std::vector<std::string>& more) { return with(call("cluster"), more); };
  check_bad_argument(call("peer"), "a peer needs neighbours");
  check_bad_argument(call("peer", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"),
                     "at most one --listen");
  check_bad_argument(call("peer", "--neighbour", "nowhere"), "HOST:PORT");
  check_bad_argument(call("peer", "--listen", "127.0.0.1:0", "--mixing", "average"), "gala");
  check_bad_argument(call("peer", "--listen", "0.0.0.0:0"), "--token-file");
  check_bad_argument(call("peer", "--send-to", "127.0.0.1:1", "--mixing", "diff-dac"),
                     "both ends of a link send");
  check_bad_argument(call("peer", "--neighbour", "127.0.0.1:1", "--neighbour", "127.0.0.1:1"), "twice");
  check_bad_argument(call("peer", "--neighbour", "127.0.0.1:0"), "nobody can be dialled at port 0");
  check_bad_argument(call("child", "--connect", "127.0.0.1:0"), "nobody can be dialled at port 0");
  check_bad_argument(call("peer", "--listen", "127.0.0.1:0", "--tls"), "--tls is for --neighbour");
  check_bad_argument(call("peer", "--listen", "127.0.0.1:0", "--mixing-staleness", "3"),
                     "--mixing-staleness is for --mixing gala and push-sum, and it is 'diff-dac'");
  check_bad_argument(cluster({"--topology", "ring", "--mixing-staleness", "3"}), "--mixing-staleness is for");
  check_bad_argument(cluster({"--topology", "ring", "--overlap"}), "--overlap is for --mixing ad-psgd");
  check_bad_argument(cluster({"--topology", ""}), "--topology is ''; expected directed-ring");
  const auto simulated = [](const std::vector<std::string>& more) {
    return with(call("simulate", "--cut", "peers"), more);
  };
  check_bad_argument(simulated({"--overlap"}), "--overlap is for --mixing ad-psgd");
  check_bad_argument(simulated({"--parent-mbit", "3"}),
                     "--parent-mbit is for a Parent, and with --cut peers");
  check_bad_argument(simulated({"--merge", "median"}), "--merge is for a Parent, and with --cut peers");
  check_bad_argument(simulated({"--machines", "100000"}), "--machines is 100000");
  std::ofstream(directory / "two.txt") << "0 1\n";
  const std::string two = "file:" + (directory / "two.txt").string();
  check_bad_argument(cluster({"--topology", two, "--children", "4"}), "--children is 4, and the graph of");
  check_bad_argument(simulated({"--topology", two, "--machines", "4"}), "--machines is 4, and the graph of");
  check_bad_argument(cluster({"--topology", "star"}), "random-regular");
  check_bad_argument(cluster({"--topology", "directed-ring", "--children", "3"}),
                     "expected an undirected graph");
  check_bad_argument(cluster({"--mixing", "gala"}), "--topology together with it");
  check_bad_argument(cluster({"--topology", "ring", "--exchange", "rounds"}), "there is none");
  check_bad_argument(cluster({"--topology", "ring", "--alpha", "0.5"}), "there is none");
  check_bad_argument(cluster({"--topology", "ring", "--topology-degree", "2"}), "--topology random-regular");
  check_bad_argument(cluster({"--topology", "ring", "--children", "1"}), "at least 2 peers");
  check_bad_argument(cluster({"--topology", "random-regular", "--children", "5"}), "even product");
  check_bad_argument(cluster({"--topology", "file:" + (directory / "halves.txt").string()}), "never reached");
  check_bad_argument(cluster({"--topology", "file:" + (directory / "bad.txt").string()}), "line 2");
  check_bad_argument(cluster({"--topology", "file:" + (directory / "none.txt").string()}), "cannot be read");
}
