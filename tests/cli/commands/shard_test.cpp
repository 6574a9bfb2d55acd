// Shards and their learners as programs.
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

std::vector<std::string> shard_call(const std::string& slice, const std::filesystem::path& run,
                                    const std::vector<std::string>& more = {}) {
  return with(call("shard", "--preset", "dqn", "--listen", "127.0.0.1:0", "--slice", slice, "--name",
                   "shard-" + slice.substr(0, 1), "--checkpoint-seconds", "0.1", "--run-dir", run.string()),
              more);
}

std::vector<std::string> learner_call(const std::vector<std::string>& shards,
                                      const std::filesystem::path& run,
                                      const std::vector<std::string>& more = {},
                                      const std::string& steps = "4000") {
  auto words = with(call("train", "--preset", "dqn", "--shards"), shards);
  words = with(words, {"--workers", "2", "--round-steps", "100", "--learning-starts", "200",
                       "--replay-capacity", "2000", "--max-steps", steps, "--eval-episodes", "5",
                       "--checkpoint-every", "10", "--run-dir", run.string()});
  return with(words, more);
}

std::string endpoint(RunningProgram& shard) {
  return "127.0.0.1:" + listening_port(shard);
}

/// Ends a shard as a user would; what its summary says.
nlohmann::json end(RunningProgram& shard, const std::filesystem::path& run) {
  shard.signal(SIGTERM);
  const auto result = shard.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(shard.all_gone());
  const auto summary = json_of(run / "summary.json");
  CHECK(summary["ended_by"] == "signal");
  return summary;
}

}  // namespace

TEST_CASE("two shards own the weights of a learner with two workers, and tell what they have done") {
  const TemporaryDirectory directory;
  RunningProgram one(shard_call("1/2", directory / "one")), two(shard_call("2/2", directory / "two"));
  RunningProgram learner(learner_call({endpoint(one), endpoint(two)}, directory / "learner"));
  const auto result = learner.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK(learner.all_gone());
  const auto summary = json_of(directory / "learner" / "summary.json");
  CHECK(summary["stale_gradients"] == 0);
  CHECK(summary["lost_gradients"] == 0);
  CHECK(summary["outlier_gradients"] == 0);
  const auto metrics = csv_of(directory / "learner" / "metrics.csv");
  CHECK(std::count(metrics[0].begin(), metrics[0].end(), "stale_gradients") == 1);
  const auto first = end(one, directory / "one"), second = end(two, directory / "two");
  CHECK(first["updates"].get<int>() > 1'500);
  CHECK(first["updates"] == second["updates"]);
  CHECK(first["gradients"] == first["updates"]);
  CHECK(first["slice"]["end"] == second["slice"]["begin"]);
  CHECK(first["command"] == "shard");

  // The learner's policy is what the shards have.
  const auto policy = read_safetensors(directory / "learner" / "final.safetensors");
  std::vector<float> slices;
  for (const char* const name : {"one", "two"}) {
    const auto state = read_safetensors(directory / name / "state.safetensors");
    REQUIRE(state.layout.tensors().front().name.substr(0, 6) == "slice_");
    const auto size = static_cast<std::ptrdiff_t>(state.layout.tensors().front().shape.front());
    slices.insert(slices.end(), state.weights.begin(), state.weights.begin() + size);
  }
  CHECK(slices == policy.weights);
}

TEST_CASE("a shard that is killed comes back from its state, and its learners go on") {
  const TemporaryDirectory directory;
  RunningProgram one(shard_call("1/2", directory / "one"));
  auto two = std::make_unique<RunningProgram>(shard_call("2/2", directory / "two"));
  const std::string where = endpoint(*two);
  const std::vector<std::string> shards = {endpoint(one), where};
  // Until they are told to stop.
  RunningProgram first(learner_call(shards, directory / "first", {}, "1000000"));
  RunningProgram second(learner_call(shards, directory / "second", {}, "1000000"));
  REQUIRE(wait_for_tenth_update(first, directory / "first"));
  REQUIRE(wait_for_tenth_update(second, directory / "second"));
  two->signal(SIGKILL);
  two->wait();
  REQUIRE(first.wait_for_error_text("learning waits for it"));
  REQUIRE(second.wait_for_error_text("learning waits for it"));
  RunningProgram again(call("shard", "--resume", (directory / "two").string(), "--listen", where));
  const auto is_back = [&] {
    return first.errors().find("is back at step") != std::string::npos ||
           first.errors().find("came back from an older state") != std::string::npos;
  };
  REQUIRE(first.wait_until(is_back));
  const auto more_rounds = [&](RunningProgram& learner, const std::filesystem::path& run) {
    const auto before = csv_of(run / "metrics.csv").size();
    return learner.wait_until([&] { return csv_of(run / "metrics.csv").size() > before + 5; });
  };
  CHECK(more_rounds(first, directory / "first"));
  CHECK(more_rounds(second, directory / "second"));
  for (RunningProgram* learner : {&first, &second}) {
    learner->signal(SIGINT);
    const auto result = learner->wait();
    CAPTURE(result.errors);
    CHECK(result.exit_code == 128 + SIGINT);
    CHECK(learner->all_gone());
  }
  CHECK(json_of(directory / "first" / "config.json")["seed"] !=
        json_of(directory / "second" / "config.json")["seed"]);
  CHECK(end(one, directory / "one")["learners_joined"] == 2);
  CHECK(end(again, directory / "two")["learners_joined"] == 2);
}

TEST_CASE("a shard that cannot listen leaves its directory to the next try") {
  const TemporaryDirectory directory;
  RunningProgram one(shard_call("1/1", directory / "one"));
  const std::string where = endpoint(one);
  const auto refused = run_program(
      call("shard", "--slice", "1/1", "--listen", where, "--run-dir", (directory / "two").string()));
  CAPTURE(refused.errors);
  CHECK(refused.exit_code == 1);
  CHECK_THAT(refused.errors, Contains("cannot listen at " + where));
  RunningProgram two(shard_call("1/1", directory / "two"));
  CHECK(endpoint(two) != where);
  CHECK(end(two, directory / "two")["updates"] == 0);
  // One that goes on keeps what it has.
  const auto again = run_program(call("shard", "--resume", (directory / "two").string(), "--listen", where));
  CHECK(again.exit_code == 1);
  CHECK(std::filesystem::exists(directory / "two" / "state.safetensors"));
}

TEST_CASE("a signal ends a learner whose shards are not there yet, and it says whom it looks for") {
  const TemporaryDirectory directory;
  RunningProgram shard(shard_call("1/1", directory / "shard"));
  const std::string where = endpoint(shard);
  end(shard, directory / "shard");
  RunningProgram learner(learner_call({where}, directory / "learner"));
  REQUIRE(learner.wait_for_error_text("cannot connect to " + where));
  learner.signal(SIGINT);
  const auto result = learner.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 128 + SIGINT);
  CHECK_THAT(result.errors, !Contains("failed"));
  CHECK(learner.all_gone());
}

TEST_CASE("a shard's metrics say what its summary says, and a resumed shard appends to them") {
  const TemporaryDirectory directory;
  const auto path = directory / "shard" / "metrics.csv";
  const auto sum_of = [&](std::size_t column) {
    std::uint64_t sum = 0;
    const auto rows = csv_of(path);
    for (std::size_t i = 1; i < rows.size(); ++i) sum += std::stoull(rows[i].at(column));
    return sum;
  };
  auto shard = std::make_unique<RunningProgram>(
      shard_call("1/1", directory / "shard", {"--metrics-seconds", "0.05", "--max-gradient-age", "1"}));
  const std::string where = endpoint(*shard);
  RunningProgram learner(learner_call({where}, directory / "learner"));
  CHECK(learner.wait().exit_code == 0);
  const auto first = end(*shard, directory / "shard");
  const auto rows = csv_of(path);
  REQUIRE(rows.size() > 2);
  CHECK(rows[0].at(0) == "update");
  CHECK(rows[0].at(3) == "gradients");
  CHECK(rows[0].at(4) == "stale_gradients");
  CHECK(rows.back().at(0) == first["updates"].dump());
  CHECK(sum_of(3) == first["gradients"].get<std::uint64_t>());
  CHECK(sum_of(4) == first["stale_gradients"].get<std::uint64_t>());
  CHECK(sum_of(6) > 0);
  CHECK(sum_of(6) <= first["bytes_received"].get<std::uint64_t>());
  // Killed while it learns, and gone on with.
  shard = std::make_unique<RunningProgram>(
      call("shard", "--resume", (directory / "shard").string(), "--listen", where));
  endpoint(*shard);
  RunningProgram other(learner_call({where}, directory / "other", {}, "1000000"));
  REQUIRE(other.wait_until([&] { return csv_of(path).size() > rows.size() + 3; }));
  shard->signal(SIGKILL);
  shard->wait();
  shard = std::make_unique<RunningProgram>(
      call("shard", "--resume", (directory / "shard").string(), "--listen", where));
  const auto kept = [&] {
    const auto now = csv_of(path);
    return now.size() >= rows.size() && std::equal(rows.begin(), rows.end(), now.begin());
  };
  CHECK(other.wait_until([&] { return csv_of(path).size() > rows.size() + 6; }));
  CHECK(kept());
  other.signal(SIGINT);
  other.wait();
  const auto last = end(*shard, directory / "shard");
  const auto all = csv_of(path);
  CHECK(kept());
  CHECK(all.back().at(0) == last["updates"].dump());
  for (std::size_t i = 2; i < all.size(); ++i) {
    CHECK(all[i].size() == all[0].size());
    CHECK(std::stoull(all[i - 1].at(0)) <= std::stoull(all[i].at(0)));
  }
}

TEST_CASE("a learner is resumed with its shards, which have gone on") {
  const TemporaryDirectory directory;
  RunningProgram shard(shard_call("1/1", directory / "shard"));
  RunningProgram first(learner_call({endpoint(shard)}, directory / "learner", {}, "1000"));
  CHECK(first.wait().exit_code == 0);
  RunningProgram second(call("train", "--resume", (directory / "learner").string(), "--max-steps", "2000"));
  const auto result = second.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  const auto summary = json_of(directory / "learner" / "summary.json");
  CHECK(summary["environment_steps"].get<int>() >= 2'000);
  const auto of_shard = end(shard, directory / "shard");
  CHECK(of_shard["learners_joined"] == 2);
  CHECK(read_safetensors(directory / "learner" / "final.safetensors").weights == [&] {
    auto state = read_safetensors(directory / "shard" / "state.safetensors").weights;
    state.resize(read_safetensors(directory / "learner" / "final.safetensors").weights.size());
    return state;
  }());
}

TEST_CASE("a shard ends after its optimizer steps, and its run goes on only with the same slice") {
  const TemporaryDirectory directory;
  RunningProgram shard(shard_call("1/1", directory / "shard", {"--updates", "50"}));
  const std::string where = endpoint(shard);
  RunningProgram learner(learner_call({where}, directory / "learner", {"--away-timeout", "0.3"}));
  const auto result = shard.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK(json_of(directory / "shard" / "summary.json")["updates"].get<int>() >= 50);
  const auto left = learner.wait();
  CHECK(left.exit_code == 1);
  CHECK_THAT(left.errors, Contains("the shard at " + where + " has been away for 0.3 s"));
  check_bad_argument(call("shard", "--resume", (directory / "shard").string(), "--listen", "127.0.0.1:0",
                          "--slice", "1/2", "--updates", "60"),
                     "slice");
  check_bad_argument(shard_call("1/1", directory / "shard"), "a run is in this directory already");
}

TEST_CASE("a shard whose state was removed is not begun anew, and a slice that begins anew is told") {
  const TemporaryDirectory directory;
  RunningProgram one(shard_call("1/2", directory / "one")), two(shard_call("2/2", directory / "two"));
  const std::string first = endpoint(one), second = endpoint(two);
  RunningProgram learner(learner_call({first, second}, directory / "learner", {}, "2000"));
  CHECK(learner.wait().exit_code == 0);
  end(one, directory / "one");
  for (const auto& entry : std::filesystem::directory_iterator(directory / "one")) {
    if (entry.path().extension() == ".safetensors") std::filesystem::remove(entry.path());
  }
  check_bad_argument(
      call("shard", "--resume", (directory / "one").string(), "--slice", "1/2", "--listen", first),
      "there is no state.safetensors, although the shard has made steps");
  RunningProgram anew(shard_call("1/2", directory / "anew"));
  RunningProgram more(learner_call({endpoint(anew), second}, directory / "more", {}, "2000"));
  const auto result = more.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.errors, Contains("its slice of the weights begins anew"));
}

TEST_CASE("shards that do not fit end a learner with one line") {
  const TemporaryDirectory directory;
  RunningProgram one(shard_call("1/2", directory / "one")), again(shard_call("1/2", directory / "again"));
  const std::string first = endpoint(one), second = endpoint(again);
  const auto said = [&](const std::vector<std::string>& shards, const std::vector<std::string>& more = {}) {
    const TemporaryDirectory place;
    RunningProgram learner(learner_call(shards, place / "run", more));
    const auto result = learner.wait();
    CHECK(result.exit_code != 0);
    return result.errors;
  };
  CHECK_THAT(said({first, second}), Contains("both own slice 1 of 2"));
  CHECK_THAT(said({first}), Contains("owns slice 1 of 2, and there are links to 1 shards"));
  CHECK_THAT(said({first, second}, {"--hidden", "32"}), Contains("what is trained differs"));
  CHECK_THAT(said({first, second}, {"--adam-beta1", "0.5"}), Contains("beta1 0.9") && Contains("beta1 0.5"));
  CHECK_THAT(said({"127.0.0.1:1"}, {"--join-timeout", "0.2"}),
             Contains("no link to the shard at 127.0.0.1:1"));
}

TEST_CASE("an age of gradients that nobody looks at is told") {
  const TemporaryDirectory directory;
  const auto said = [&](const std::string& sharing) {
    return run_program(call("train", "--preset", "dqn", "--max-steps", "10", "--workers", "1",
                            "--eval-episodes", "0", "--sharing", sharing, "--max-gradient-age", "3",
                            "--run-dir", (directory / sharing).string()))
        .errors;
  };
  CHECK_THAT(said("mutex"), Contains("--max-gradient-age has no effect: --sharing is 'mutex'"));
  CHECK_THAT(said("server"), !Contains("has no effect: --sharing"));
}

TEST_CASE("a number of servers that has no effect is told, and one that cannot be is refused") {
  const TemporaryDirectory directory;
  const auto run = [&](const std::string& sharing, const std::string& servers) {
    return run_program(call("train", "--preset", "dqn", "--max-steps", "10", "--workers", "1",
                            "--eval-episodes", "0", "--sharing", sharing, "--servers", servers, "--run-dir",
                            (directory / (sharing + servers)).string()));
  };
  CHECK_THAT(run("mutex", "2").errors, Contains("--servers has no effect: --sharing is 'mutex'"));
  const auto two = run("server", "2");
  CHECK(two.exit_code == 0);
  CHECK_THAT(two.errors, !Contains("--servers has no effect"));
  CHECK_THAT(run("server", "64").errors, !Contains("--servers has no effect"));
  for (const char* const wrong : {"0", "-1", "65", "x"}) {
    check_bad_argument(call("train", "--sharing", "server", "--servers", wrong), "--servers is");
  }
  check_bad_argument(call("train", "--shards", "127.0.0.1:1", "--servers", "2"),
                     "--servers is 2 with --shards");
}

TEST_CASE("arguments of shards and their learners that cannot be are refused") {
  check_bad_argument(call("shard"), "a shard needs --listen");
  for (const char* const slice : {"0/2", "3/2", "1", "1/", "/2", "1/65", "a/b", "1/2/3", "-1/2", "1/0"}) {
    check_bad_argument(call("shard", "--listen", "127.0.0.1:0", "--slice", slice), "--slice is");
  }
  check_bad_argument(call("shard", "--listen", "0.0.0.0:1"), "--token-file");
  check_bad_argument(call("shard", "--listen", "127.0.0.1:0", "--connect", "127.0.0.1:1"), "'--connect'");
  check_bad_argument(call("train", "--shards", "nowhere"), "--shards is 'nowhere'");
  check_bad_argument(call("train", "--shards", "127.0.0.1:1", "127.0.0.1:1"), "twice");
  check_bad_argument(call("train", "--shards", "127.0.0.1:1", "--sharing", "local"), "--sharing is 'local'");
  check_bad_argument(call("train", "--shard-away", "go-on"), "--shard-away is for --shards");
  check_bad_argument(call("train", "--token-file", "x"), "--token-file");
  check_bad_argument(call("train", "--max-loss-deviations", "-1"), "--max-loss-deviations");
  check_bad_argument(call("train", "--max-gradient-age", "-1"), "--max-gradient-age");
}
