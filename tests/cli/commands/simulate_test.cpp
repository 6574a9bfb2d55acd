// `simulate`: many machines on this one.
#include "bad_argument.h"
#include "fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

std::vector<std::string> column(const std::vector<std::vector<std::string>>& rows, const std::string& name) {
  std::vector<std::string> values;
  for (std::size_t c = 0; c < rows.at(0).size(); ++c) {
    if (rows[0][c] != name) continue;
    for (std::size_t r = 1; r < rows.size(); ++r) values.push_back(c < rows[r].size() ? rows[r][c] : "");
  }
  return values;
}

std::vector<double> numbers(const std::vector<std::string>& texts) {
  std::vector<double> values;
  for (const std::string& text : texts) {
    if (!text.empty()) values.push_back(std::stod(text));
  }
  return values;
}

template <typename... Words>
std::vector<std::string> simulate(const Words&... words) {
  return call("simulate", "--step-us", "10", "--gradient-us", "50", "--round-steps", "100", words...);
}

ProgramResult succeeds(const std::vector<std::string>& words) {
  ProgramResult result = run_program(words);
  CAPTURE(words, result.errors);
  REQUIRE(result.exit_code == 0);
  return result;
}

}  // namespace

TEST_CASE("a simulated cluster learns what a cluster of processes learns, number for number", "[forks]") {
  const TemporaryDirectory directory;
  using Words = std::vector<std::string>;
  const std::vector<std::pair<std::string, Words>> all = {
      {"moments", {"--round-end=step", "--average-moments=true"}},
      {"episodes", {"--round-end=episode", "--average-moments=false"}},
      {"held", {"--round-end=step", "--proximal=0.5"}},
      // After three rounds; there are other weights at the Parent than at the Children then.
      {"apart", {"--round-end=step", "--max-steps=100000", "--apart-from=0.018"}}};
  for (const auto& [name, more] : all) {
    CAPTURE(name);
    const auto run = directory / name;
    const std::vector<std::string> same = {
        "--exchange=rounds",    "--round-steps=300",  "--seed=11",
        "--updates=6",          "--evaluate-every=6", "--target-episodes=7",
        "--round-deadline=600", "--codec=int8-delta", "--outer-optimizer=momentum"};
    auto real = call("cluster", "--children", "2", "--workers", "1", "--eval-episodes", "0", "--run-dir",
                     run.string());
    const auto csv = run / "simulated.csv";
    auto simulated =
        call("simulate", "--machines", "2", "--step-us", "10", "--gradient-us", "50", "--csv", csv.string());
    for (auto* words : {&real, &simulated}) {
      words->insert(words->end(), same.begin(), same.end());
      words->insert(words->end(), more.begin(), more.end());
    }
    succeeds(real);
    succeeds(simulated);
    const auto told = csv_of(run / "evaluations.csv"), here = csv_of(csv);
    const auto returns = numbers(column(told, "return_mean")),
               steps = numbers(column(told, "environment_steps"));
    REQUIRE(returns.size() == 1);
    CHECK(numbers(column(here, "environment_steps")).back() == steps[0]);
    // Both tables are rounded.
    CHECK(std::stod(column(here, "evaluated_return").back()) == Approx(returns[0]).epsilon(1e-5));
  }
}

TEST_CASE("one simulated machine alone learns what train learns", "[forks]") {
  const TemporaryDirectory directory;
  const auto run = directory / "run", csv = directory / "simulated.csv";
  succeeds(call("train", "--workers", "1", "--round-steps", "100", "--updates", "8", "--evaluate-every", "2",
                "--target-episodes", "5", "--eval-episodes", "0", "--run-dir", run.string()));
  succeeds(simulate("--cut", "alone", "--machines", "1", "--updates", "8", "--evaluate-every", "2",
                    "--target-episodes", "5", "--csv", csv.string()));
  const auto real = numbers(column(csv_of(run / "evaluations.csv"), "return_mean"));
  const auto here = numbers(column(csv_of(csv), "evaluated_return"));
  REQUIRE(real.size() == 4);
  REQUIRE(here.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(here[i] == Approx(real[i]).epsilon(1e-5));
}

TEST_CASE("a simulation is repeated bit for bit, and says when it has reached its target") {
  const TemporaryDirectory directory;
  const auto run = [&](const std::string& name, const std::string& seed) {
    const auto path = directory / name;
    succeeds(simulate("--exchange", "rounds", "--machines", "3", "--target", "30", "--target-episodes", "10",
                      "--max-steps", "20000", "--machine-jitter", "0.3", "--packet-loss", "0.05",
                      "--link-jitter-ms", "2", "--machine", "1:factor=3,latency-ms=20", "--seed", seed,
                      "--csv", path.string() + ".csv", "--json", path.string() + ".json"));
    return file_text(path.string() + ".csv") + file_text(path.string() + ".json");
  };
  const std::string one = run("one", "4");
  CHECK(one == run("again", "4"));
  CHECK(one != run("other", "5"));
  const auto result = json_of(directory / "one.json");
  CHECK(result["machines"] == 3);
  CHECK(result["ended_by"] == "target");
  CHECK(result["return_at_target"].get<double>() >= 30);
  CHECK(result["seconds_to_target"] == result["virtual_seconds"]);
  CHECK(result["waiting_seconds"].get<double>() > 0);
  CHECK(result["bytes_up"].get<std::uint64_t>() > 0);
}

TEST_CASE("what was measured is printed as the flags that repeat it") {
  const auto result = succeeds(
      call("simulate", "--machines", "2", "--exchange", "rounds", "--updates", "2", "--round-steps", "100"));
  const std::string told = "to repeat: --step-us ";
  CHECK(result.output.find(told) != std::string::npos);
  CHECK(result.output.find("ended by: updates") != std::string::npos);
  const auto given = succeeds(simulate("--machines", "2", "--updates", "2"));
  CHECK(given.output.find(told) == std::string::npos);
}

TEST_CASE("asynchronous actors are simulated, with their lag, and the same each time") {
  const TemporaryDirectory directory;
  const auto run = [&](const char* name, const char* when_full, const char* gradient) {
    const auto path = directory / name;
    succeeds(call("simulate", "--preset", "tuned", "--cut", "segments", "--actor-mode", "asynchronous",
                  "--machines", "3", "--step-us", "10", "--gradient-us", gradient, "--round-steps", "100",
                  "--updates", "12", "--when-full", when_full, "--json", path.string()));
    return json_of(path);
  };
  const auto slow = run("slow", "wait", "5000"), again = run("again", "wait", "5000");
  CHECK(slow == again);
  CHECK(slow["updates"] == 12);
  CHECK(slow["environment_steps"] >= 1200);
  CHECK(slow["environment_steps"] <= 12 * (100 + 3 * 34));
  // The learner is far slower than its actors: they wait, and their steps are old.
  CHECK(slow["policy_lag_mean"] > 1);
  CHECK(slow["waiting_seconds"] > 0);
  CHECK(slow["queue_dropped_steps"] == 0);
  const double seconds = 3 * slow["virtual_seconds"].get<double>();
  CHECK(slow["computing_seconds"].get<double>() + slow["waiting_seconds"].get<double>() <= 1.0001 * seconds);
  CHECK(run("dropping", "drop-oldest", "5000")["queue_dropped_steps"] > 0);
  CHECK(run("fast", "wait", "5")["policy_lag_mean"] < slow["policy_lag_mean"]);
}

TEST_CASE("segments of many players train one learner") {
  const TemporaryDirectory directory;
  const auto path = directory / "result.json";
  succeeds(simulate("--cut", "segments", "--machines", "5", "--updates", "3", "--json", path.string()));
  const auto result = json_of(path);
  CHECK(result["environment_steps"] == 300);
  CHECK(result["cut"] == "segments");
  CHECK(!result.contains("exchange"));
}

TEST_CASE("a server with hosts learns what train learns in as many environments", "[forks]") {
  const TemporaryDirectory directory;
  const auto run = directory / "run", csv = directory / "simulated.csv", json = directory / "simulated.json";
  const auto same = [](std::vector<std::string> words) {
    for (const char* word : {"--updates", "6", "--evaluate-every", "2", "--target-episodes", "5"})
      words.emplace_back(word);
    return words;
  };
  succeeds(same(call("train", "--workers", "1", "--envs-per-worker", "6", "--round-steps", "100",
                     "--round-end", "step", "--eval-episodes", "0", "--run-dir", run.string())));
  const auto words =
      same(simulate("--cut", "environments", "--machines", "3", "--envs-per-worker", "3", "--inference-us",
                    "4", "--latency-ms", "20", "--csv", csv.string(), "--json", json.string()));
  const auto result = succeeds(words);
  CHECK(result.output.find("MB to the server") != std::string::npos);
  CHECK(result.output.find("environments asked in the mean") != std::string::npos);
  const std::string files = file_text(csv) + file_text(json);
  const auto real = numbers(column(csv_of(run / "evaluations.csv"), "return_mean"));
  const auto here = numbers(column(csv_of(csv), "evaluated_return"));
  REQUIRE(real.size() == 3);
  REQUIRE(here.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(here[i] == Approx(real[i]).epsilon(1e-5));
  const auto told = json_of(json);
  CHECK(told["cut"] == "environments");
  CHECK(told["environment_steps"] == json_of(run / "summary.json")["environment_steps"]);
  // Six environments at once: at least 17 turns of 40 ms in each round.
  CHECK(told["turns"] >= 6 * 17);
  CHECK(told["turns"] < 600);
  CHECK(told["virtual_seconds"] > 6 * 17 * 0.04);
  CHECK(told["bytes_up"] > told["bytes_down"]);
  succeeds(words);
  CHECK(file_text(csv) + file_text(json) == files);
}

TEST_CASE("a tree of groups of one learns what Children of a Parent learn, row by row") {
  const TemporaryDirectory directory;
  const auto run = [&](const std::vector<std::string>& words) {
    const auto path = directory / "rows.csv";
    auto all = simulate("--machines", "3", "--updates", "5", "--evaluate-every", "1", "--target-episodes",
                        "5", "--round-end", "step", "--exchange", "rounds", "--codec", "int8-delta", "--csv",
                        path.string());
    all.insert(all.end(), words.begin(), words.end());
    succeeds(all);
    return file_text(path);
  };
  const std::string tree = run({"--cut", "tree", "--groups", "3"});
  CHECK(tree == run({"--cut", "weights"}));
  CHECK(tree != run({"--cut", "tree", "--groups", "1"}));
  CHECK(tree != run({"--cut", "tree", "--groups", "3", "--group-latency-ms", "50"}));
}

TEST_CASE("a tree is simulated the same each time, and its groups' links are their own") {
  const TemporaryDirectory directory;
  const auto run = [&](const std::vector<std::string>& words) {
    const auto path = directory / "tree.json";
    auto all = simulate("--cut", "tree", "--machines", "6", "--groups", "2", "--updates", "4", "--exchange",
                        "rounds", "--machine-jitter", "0.2", "--json", path.string());
    all.insert(all.end(), words.begin(), words.end());
    const auto result = succeeds(all);
    // Three machines play 34 steps each.
    CHECK(result.output.find("6 machines, cut tree of 2 groups, exchange rounds: 4 updates, 816 steps") !=
          std::string::npos);
    return json_of(path);
  };
  const auto tree = run({});
  CHECK(tree == run({}));
  CHECK(tree["groups"] == 2);
  CHECK(tree["contributions"] == 8);
  CHECK(tree["waiting_seconds"] > 0);
  const auto far = run({"--group-latency-ms", "100", "--group-bandwidth-mbit", "1"});
  CHECK(far["virtual_seconds"].get<double>() > tree["virtual_seconds"].get<double>() + 4 * 0.2);
  CHECK(far["bytes_up"] == tree["bytes_up"]);
}

TEST_CASE("a partition shorter than the timeouts loses no link, and a longer one does") {
  const TemporaryDirectory directory;
  const auto path = directory / "result.json";
  const auto run = [&](const char* machine) {
    succeeds(call("simulate", "--gradient-us", "50", "--round-steps", "100", "--machines", "2", "--exchange",
                  "rounds", "--max-seconds", "60", "--updates", "100000", "--step-us", "10000", "--machine",
                  machine, "--json", path.string()));
    return json_of(path);
  };
  const auto whole = run("1:factor=1"), stalled = run("1:connected=2,partition=3"),
             lost = run("1:connected=2,partition=30");
  CHECK(whole["links_lost"] == 0);
  CHECK(stalled["links_lost"] == 0);
  CHECK(stalled["contributions"].get<int>() < whole["contributions"].get<int>());
  CHECK(lost["links_lost"] == 2);
}

TEST_CASE("a pace holds machines back in virtual time") {
  const TemporaryDirectory directory;
  const auto path = directory / "result.json";
  const auto seconds = [&](const std::string& flag, const std::string& value) {
    succeeds(simulate("--cut", "alone", "--machines", "1", "--updates", "2", "--round-end", "step", "--json",
                      path.string(), flag, value));
    return json_of(path)["virtual_seconds"].get<double>();
  };
  CHECK(seconds("--steps-per-second", "50") >= 4);
  CHECK(seconds("--machine", "1:steps-per-second=50") >= 4);
  CHECK(seconds("--steps-per-second", "0") < 1);
}

TEST_CASE("ten thousand machines minimise a quadratic") {
  const TemporaryDirectory directory;
  const auto path = directory / "result.json";
  const auto result =
      succeeds(call("simulate", "--quadratic", "10", "--machines", "2000", "--exchange", "rounds",
                    "--step-us", "1", "--gradient-us", "1", "--learning-rate", "0.1", "--round-steps", "20",
                    "--target", "-0.002", "--max-seconds", "60", "--json", path.string()));
  const auto summary = json_of(path);
  CHECK(summary["ended_by"] == "target");
  CHECK(summary["return_at_target"].get<double>() >= -0.002);
  CHECK(summary["contributions"].get<std::uint64_t>() >= 2000);
}

TEST_CASE("a plan that is interrupted says so, and gives no advice") {
  RunningProgram plan(call("plan", "--machines", "2", "--step-us", "10", "--gradient-us", "50", "--target",
                           "1e9", "--max-steps", "1000000000"));
  // Once it is that program, and catches the signal.
  REQUIRE(plan.wait_until([&] {
    const std::string place = "/proc/" + std::to_string(plan.pid());
    if (file_text(place + "/cmdline").find("gradient-us") == std::string::npos) return false;
    const std::string status = file_text(place + "/status");
    const std::size_t caught = status.find("SigCgt:");
    return caught != std::string::npos &&
           (std::stoull(status.substr(caught + 7), nullptr, 16) >> (SIGTERM - 1) & 1) == 1;
  }));
  plan.signal(SIGTERM);
  const auto result = plan.wait();
  CAPTURE(result.output, result.errors);
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(result.output.find("interrupted by a signal: 0 of 8 ways") != std::string::npos);
  CHECK(result.output.find("Advice") == std::string::npos);
}

TEST_CASE("a plan compares the cuts and advises the one that is predicted to be the soonest") {
  const TemporaryDirectory directory;
  const auto path = directory / "plan.json";
  const auto plan = [&](const char* target) {
    return succeeds(call("plan", "--machines", "3", "--step-us", "10", "--gradient-us", "50", "--round-steps",
                         "100", "--target", target, "--target-episodes", "10", "--max-steps", "4000",
                         "--runs", "1", "--seed", "4", "--json", path.string()));
  };
  const auto result = plan("24");
  CHECK(result.output.find("Advice: ") != std::string::npos);
  const auto json = json_of(path);
  REQUIRE(json.size() == 10);
  double best = 1e9;
  std::string name;
  for (const auto& way : json) {
    if (way["seconds_to_target"].is_null() || way["seconds_to_target"].get<double>() >= best) continue;
    best = way["seconds_to_target"];
    name = way["cut"];
  }
  REQUIRE(!name.empty());
  const std::string advised = name == "alone"                 ? "one machine alone"
                              : name == "segments"            ? "the cut at segments"
                              : name == "each"                ? "'--exchange each'"
                              : name.starts_with("peers")     ? "peers in a ring"
                              : name.starts_with("gradients") ? "the cut at gradients"
                              : name.starts_with("environments, ")
                                  ? "a server whose environments 2 hosts step"
                                  : "'--exchange rounds";
  CHECK(result.output.find("Advice: " + advised) != std::string::npos);
  CHECK(plan("400").output.find("Advice: none; no way has reached 400") != std::string::npos);
  check_bad_argument(call("plan", "--machines", "2"), "--target RETURN is required");
  check_bad_argument(call("plan", "--target", "1", "--runs", "0"), "--runs is '0'");
  check_bad_argument(call("plan", "--target", "1", "--exchange", "each"), "unknown argument '--exchange'");
}

TEST_CASE("a plan for four machines tries a tree, and says what can be started") {
  const TemporaryDirectory directory;
  const auto path = directory / "plan.json";
  const auto plan = [&](const char* machines) {
    return succeeds(call("plan", "--machines", machines, "--step-us", "2000", "--gradient-us", "50",
                         "--round-steps", "100", "--target", "24", "--target-episodes", "10", "--max-steps",
                         "4000", "--runs", "1", "--seed", "4", "--group-latency-ms", "2", "--json",
                         path.string()));
  };
  const auto result = plan("4");
  CAPTURE(result.output);
  const auto json = json_of(path);
  REQUIRE(json.size() == 13);
  CHECK(json[0]["can_be_started"] == true);
  CHECK(json[6]["cut"] == "peers, ring");
  CHECK(json[7]["cut"] == "gradients, 1 shard");
  CHECK(json[8]["cut"] == "environments, 1 a host");
  CHECK(json[9]["cut"] == "environments, 16 a host");
  CHECK(json[11]["cut"] == "rounds, 2 middle Parents");
  CHECK(json[12]["cut"] == "each, 2 middle Parents");
  for (const int way : {6, 7, 11, 12}) CHECK(json[way]["can_be_started"] == true);
  for (const int way : {8, 9}) {
    CHECK(json[way]["can_be_started"] == true);
    CHECK(json[way]["megabytes"] > 0);
    CHECK(json[way]["waiting_share"] > 0);
  }
  CHECK(json[10]["cut"] == "tree, 2 groups");
  CHECK(json[10]["can_be_started"] == false);
  CHECK(json[10]["megabytes"] > 0);
  CHECK(result.output.find("can be started") != std::string::npos);
  CHECK(result.output.find("To start it, with the flags of the task and of learning that plan was given:") !=
        std::string::npos);
  double best = 1e9, tree = 1e9;
  for (const auto& way : json) {
    if (way["seconds_to_target"].is_null()) continue;
    const double seconds = way["seconds_to_target"];
    (way["can_be_started"].get<bool>() ? best : tree) = std::min(seconds, best);
  }
  REQUIRE(best < 1e9);
  CHECK((result.output.find("A tree is only simulated so far") != std::string::npos) == (tree < best));
  // Groups of one machine, and one group, are other cuts.
  plan("5");
  CHECK(json_of(path).size() == 10);
}

TEST_CASE("a simulation whose machines are gone before its end has failed") {
  const auto gone =
      run_program(simulate("--machines", "2", "--updates", "5", "--machine", "2:leaves=0.0001"));
  CHECK(gone.exit_code == 1);
  CHECK(gone.output.find("ended by: no machine is left") != std::string::npos);
  const auto limited = succeeds(simulate("--machines", "2", "--updates", "1000", "--max-seconds", "5",
                                         "--machine", "2:present=0.0001,away=1"));
  CHECK(limited.output.find("5.000 virtual seconds") != std::string::npos);
  CHECK(limited.output.find("ended by: max-seconds") != std::string::npos);
}

TEST_CASE("a simulation in which nothing gets through, or time runs out, ends and says so") {
  for (const char* const machine : {"2:connected=0.001,partition=100000", "2:present=0.001,away=1"}) {
    const auto result =
        run_program(simulate("--machines", "2", "--max-steps", "60000", "--machine", machine));
    CAPTURE(machine, result.errors);
    CHECK(result.exit_code == 1);
    CHECK(result.output.find("ended by: no machine gets a round through") != std::string::npos);
  }
  const auto bad = [](const std::string& expected, const auto&... words) {
    check_bad_argument(simulate("--machines", "2", "--max-steps", "60000", words...), expected);
  };
  bad("expected at most 1e+08: give faster machines", "--steps-per-second", "1e-9");
  bad("expected at most 1e+08: give faster machines", "--cut", "segments", "--machine",
      "1:gradient-us=1e12,factor=1e6");
  bad("expected at most 1e+08: give faster machines", "--machine", "1:step-us=1e12");
  // Each round is short enough, and there are too many of them.
  bad("goes on for more than 4e+09 virtual seconds", "--cut", "segments", "--steps-per-second", "2e-6");
}

TEST_CASE("machines that come and go are planned for with weights only") {
  const auto planned =
      run_program(call("plan", "--machines", "4", "--step-us", "10", "--gradient-us", "50", "--round-steps",
                       "100", "--target", "9", "--runs", "1", "--machine", "2:present=5,away=1"));
  CAPTURE(planned.errors, planned.output);
  CHECK(planned.exit_code == 0);
  CHECK(planned.errors.find("segments, trees, environments and gradients, whose players, hosts and learners "
                            "are always there") != std::string::npos);
  CHECK(planned.output.find("segments") == std::string::npos);
  CHECK(planned.output.find("environments") == std::string::npos);
  CHECK(planned.output.find("rounds, nesterov") != std::string::npos);
}

TEST_CASE("bad options of a simulation are one line with exit code 2") {
  const auto bad = [](const std::string& expected, const auto&... words) {
    check_bad_argument(simulate("--updates", "1", words...), expected);
  };
  bad("--machines is '0'", "--machines", "0");
  bad("--machines is 1025; expected at most 1024", "--machines", "1025");
  bad("--cut is 'actions'; expected", "--cut", "actions");
  bad("expected COUNT:KEY=VALUE", "--machine", "factor=10");
  bad("expected COUNT:KEY=VALUE", "--machine", "0:factor=10");
  bad("'size=3' is not understood", "--machine", "1:size=3");
  bad("'' is not understood", "--machine", "1:");
  bad("factor is 'slow'; expected a number", "--machine", "1:factor=slow");
  bad("packet-loss is '0.9'", "--machine", "1:packet-loss=0.9");
  bad("round-steps is '1.5'", "--machine", "1:round-steps=1.5");
  bad("at most 4 machines in all", "--machine", "3:factor=2", "--machine", "2:factor=3");
  bad("factor is 0", "--machine", "1:factor=0");
  bad("present is 3 and away is 0; expected both above 0, or neither", "--machine", "1:present=3");
  bad("connected is 0 and partition is 5; expected both", "--machine", "1:partition=5");
  bad("--cut is 'alone', whose machine has no link", "--cut", "alone", "--machines", "1", "--machine",
      "1:connected=1,partition=1");
  bad("comes or goes", "--cut", "segments", "--machine", "1:joins=1");
  bad("'alone' with 4 machines", "--cut", "alone");
  bad("expected at least a step for each", "--cut", "segments", "--machines", "101");
  bad("--groups is 3, and --machines is 4; expected a number that divides them", "--cut", "tree", "--groups",
      "3");
  bad("--groups is 8, and --machines is 4", "--cut", "tree", "--groups", "8");
  bad("--groups is 2, and --machines is 5", "--cut", "tree", "--machines", "5");
  bad("--groups is '0'", "--cut", "tree", "--groups", "0");
  bad("--bandwidth-mbit is 1e-09; expected at least 0.0001", "--bandwidth-mbit", "1e-9");
  bad("--machines is 1 with --cut environments; expected at least 2", "--cut", "environments", "--machines",
      "1");
  bad("--inference-us is for --cut environments", "--inference-us", "2");
  bad("--inference-us is 11, a part of --step-us, which is 10", "--cut", "environments", "--inference-us",
      "11");
  bad("inference-us is 'x'; expected a number", "--cut", "environments", "--machine", "1:inference-us=x");
  bad("comes or goes", "--cut", "environments", "--machine", "1:leaves=1");
  bad("expected --cut weights", "--quadratic", "10", "--cut", "environments");
  bad("expected at least a step for each", "--cut", "environments", "--machines", "102");
  bad("--actor-mode is for --cut segments", "--cut", "environments", "--actor-mode", "asynchronous");
  bad("--groups is for --cut tree and --cut weights", "--cut", "segments", "--groups", "2");
  bad("--quorum is 5, and there are 4 machines that merge", "--quorum", "5");
  bad("--sharing is 'server', and a simulated machine has one worker", "--preset", "gorila");
  bad("--group-latency-ms is for --cut tree and --cut weights", "--cut", "segments", "--group-latency-ms",
      "2");
  bad("--group-bandwidth-mbit is of a group's link; expected --groups with it", "--group-bandwidth-mbit",
      "2");
  bad("comes or goes", "--cut", "tree", "--machine", "1:joins=1");
  bad("--actor-mode is for --cut segments", "--cut", "tree", "--actor-mode", "asynchronous");
  bad("expected --cut weights", "--quadratic", "10", "--cut", "tree");
  bad("expected both above 0, or neither", "--machine", "1:partition=3");
  bad("a partition of 60 s, in which", "--cut", "segments", "--machine", "1:connected=5,partition=60");
  bad("--latency-ms is '-1'", "--latency-ms", "-1");
  bad("--packet-loss is '0.6'", "--packet-loss", "0.6");
  bad("expected --cut weights", "--quadratic", "10", "--cut", "segments");
  bad("--csv is '/no/such/place.csv'", "--csv", "/no/such/place.csv");
  bad("--json is '/no/such/place.json'", "--json", "/no/such/place.json");
  bad("--overlap is for --exchange each", "--exchange", "rounds", "--overlap");
  bad("--exchange is 'segments'; expected --cut segments", "--exchange", "segments");
  bad("--actor-mode is for --cut segments", "--actor-mode", "asynchronous");
  bad("--when-full is for --actor-mode asynchronous", "--cut", "segments", "--when-full", "drop-oldest");
  bad("--max-policy-lag is for --actor-mode asynchronous", "--cut", "segments", "--max-policy-lag", "3");
  bad("--exchange is 'segments'; expected --cut segments", "--exchange", "segments", "--quadratic", "10");
  bad("--exchange is 'none', which only train takes", "--exchange", "none");
  bad("--json is '/tmp', a directory", "--json", "/tmp");
  check_bad_argument(call("simulate", "--cut", "tree", "--round-steps", "1", "--updates", "1"),
                     "2 machines for each learner; expected at least a step for each");
  check_bad_argument(call("simulate", "--quadratic", "10", "--updates", "1"),
                     "needs --step-us and --gradient-us");
  check_bad_argument(call("simulate", "--preset", "thesis", "--workers", "2"),
                     "unknown argument '--workers'");
}

TEST_CASE("peers are simulated by every rule, and the same seed gives the same file") {
  const TemporaryDirectory directory;
  for (const char* rule : {"gala", "diff-dac", "ad-psgd", "push-sum"}) {
    CAPTURE(rule);
    const auto run = [&](const char* name) {
      const auto csv = directory / (std::string(rule) + name);
      const auto result =
          succeeds(simulate("--cut", "peers", "--machines", "4", "--mixing", rule, "--updates", "20",
                            "--seed", "5", "--machine", "4:jitter=0.2", "--csv", csv.string()));
      CHECK(result.output.find("cut peers, exchange " + std::string(rule)) != std::string::npos);
      return file_text(csv);
    };
    const std::string first = run("1.csv");
    CHECK(first == run("2.csv"));
    CHECK(std::count(first.begin(), first.end(), '\n') == 21);
  }
}

TEST_CASE("a thousand peers agree on a quadratic") {
  const TemporaryDirectory directory;
  const auto json = directory / "result.json";
  succeeds(simulate("--cut", "peers", "--topology", "torus", "--machines", "1024", "--quadratic", "50",
                    "--updates", "5", "--json", json.string()));
  const auto result = json_of(json);
  CHECK(result["updates"] == 5);
  CHECK(result["contributions"].get<int>() >= 4 * 1024 * 4);
}

TEST_CASE("simulations of peers that cannot be are refused") {
  check_bad_argument(
      simulate("--cut", "peers", "--topology", "directed-ring", "--machines", "3", "--updates", "2"),
      "expected an undirected graph");
  check_bad_argument(simulate("--topology", "ring", "--updates", "2"), "--cut peers");
  check_bad_argument(simulate("--mixing", "gala", "--updates", "2"), "--cut peers");
  check_bad_argument(simulate("--cut", "peers", "--machines", "1", "--updates", "2"), "at least 2 peers");
  check_bad_argument(simulate("--cut", "peers", "--normalise-observations", "true", "--updates", "2"),
                     "share no statistics");
}

TEST_CASE("gradients that go to shards are simulated, and options that do not fit are refused") {
  const auto result =
      succeeds(call("simulate", "--cut", "gradients", "--machines", "2", "--slices", "3", "--step-us", "10",
                    "--gradient-us", "50", "--round-steps", "100", "--updates", "3"));
  CHECK(result.output.find("2 machines, cut gradients: 3 updates, 600 steps in all") != std::string::npos);
  CHECK(result.output.find("MB to the shards") != std::string::npos);
  check_bad_argument(
      call("simulate", "--cut", "gradients", "--machines", "1000", "--round-steps", "100000000"),
      "--round-steps is 100000000 with --cut gradients and 1000 machines; expected at most 100000");
  check_bad_argument(call("simulate", "--slices", "2"), "--slices is for --cut gradients");
  check_bad_argument(call("simulate", "--cut", "gradients", "--slices", "65"), "--slices is '65'");
  check_bad_argument(call("simulate", "--cut", "gradients", "--normalise-observations", "true"),
                     "--normalise-observations is true with --cut gradients");
}
