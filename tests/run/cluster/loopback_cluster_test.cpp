#include "genkidama/run/loopback_cluster.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <set>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "genkidama/run/stop_signal.h"
#include "run/directory/run_directory.h"
#include "run/directory/run_lock.h"
#include "run/state/run_state.h"
#include "support/catch.h"
#include "support/child_process.h"
#include "support/eventually.h"
#include "support/fake_trainer.h"
#include "support/json_file.h"
#include "support/run_program.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

constexpr std::uint64_t kMerges = 40;

void note(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::app) << text << '\n';
}

// Until somebody asks this member to end.
void wait_for_end() {
  while (end_reason().empty()) ::poll(nullptr, 0, 5);
}

// Whether each middle Parent has all of its Children.
bool are_groups_complete(const MemberContext& member) {
  for (int group = 1; group <= member.children; ++group) {
    if (!std::filesystem::exists(RunDirectory(member.directory).group(group) / "complete")) return false;
  }
  return true;
}

// Merges until there were kMerges and each of the Children that learn has joined, or somebody asks for the
// end.
int merge(const MemberContext& member, std::size_t learners, bool has_groups = false) {
  ParentOptions options;
  options.listen = {member.endpoint};
  options.name = member.name;
  options.security.token = member.token;
  Parent parent(options, small_layout(), random_weights(small_layout().size(), 1));
  std::atomic<std::uint64_t> merges{0};
  parent.on_update([&](const ParentUpdate& update) { merges = update.update; });
  parent.start();
  member.tell_ports(parent.ports());
  while ((merges < kMerges || parent.status().children.size() < learners ||
          (has_groups && !are_groups_complete(member))) &&
         end_reason().empty()) {
    ::poll(nullptr, 0, 5);
  }
  parent.stop();
  note(member.directory / "merges", std::to_string(merges.load()));
  return 0;
}

int learn(const MemberContext& member) {
  note(member.directory / "seed", std::to_string(member.seed));
  note(member.directory / "config.json", "{}");
  ::puts("learning");
  ChildOptions options;
  options.connect = member.endpoint;
  options.name = member.name;
  options.security.token = member.token;
  FakeTrainer trainer;
  Child child(options, trainer);
  child.run([](const ChildProgress&) { return end_reason().empty(); });
  return 0;
}

// Takes the merges of its Children up until the Parent above ends the run.
int merge_in_between(const MemberContext& member) {
  ParentOptions options;
  apply(member, options);
  UpperParentOptions upper_options;
  apply(member, upper_options);
  Parent parent(options, small_layout(), random_weights(small_layout().size(), 2));
  UpperParent upper(upper_options, parent);
  parent.on_update([&](const ParentUpdate& update) { upper.merged(update); });
  upper.start();
  while (!upper.joined(Milliseconds(100))) {
    if (!end_reason().empty()) return 1;
  }
  parent.start();
  member.tell_ports(parent.ports());
  bool is_complete = false;
  while (!upper.over() && end_reason().empty()) {
    ::poll(nullptr, 0, 5);
    if (is_complete || parent.status().children.size() < static_cast<std::size_t>(member.children)) continue;
    is_complete = true;
    note(member.directory / "complete", "");
  }
  parent.stop();
  note(member.directory / "joined", std::to_string(parent.status().joined));
  return 0;
}

int train(const MemberContext& member, std::size_t learners) {
  if (member.is_middle()) return merge_in_between(member);
  return member.is_parent() ? merge(member, learners) : learn(member);
}

// A Parent that only looks like one.
int tell_a_port(const MemberContext& member) {
  const std::uint16_t port[] = {1};
  member.tell_ports(port);
  wait_for_end();
  return 0;
}

RunState state_of_small_layout() {
  RunState state;
  state.weights = random_weights(small_layout().size(), 1);
  return state;
}

LoopbackClusterOptions options_for(const std::filesystem::path& directory) {
  LoopbackClusterOptions options;
  options.directory = directory;
  options.run_member = [](const MemberContext& member) { return train(member, 2); };
  return options;
}

/// Its write end is open in this process and in all that it forks.
class Members {
 public:
  Members() { REQUIRE(::pipe(ends_) == 0); }
  ~Members() {
    ::close(ends_[0]);
    if (ends_[1] >= 0) ::close(ends_[1]);
  }
  void started() const { REQUIRE(::write(ends_[1], "x", 1) == 1); }
  /// Waits until `count` members have said so.
  void wait_for(int count) {
    while (!are_started(count)) ::poll(nullptr, 0, 2);
  }
  /// Whether they have.
  bool are_started(int count) {
    char byte = 0;
    while (started_ < count && is_readable(0) && ::read(ends_[0], &byte, 1) == 1) ++started_;
    return started_ >= count;
  }
  /// Waits until no process has the write end any more.
  bool all_gone() {
    ::close(ends_[1]);
    ends_[1] = -1;
    char byte = 0;
    while (is_readable(static_cast<int>(Milliseconds(patient_seconds(20)).count()))) {
      if (::read(ends_[0], &byte, 1) == 0) return true;
    }
    return false;
  }

 private:
  bool is_readable(int timeout_ms) const {
    pollfd waiting{ends_[0], POLLIN, 0};
    return ::poll(&waiting, 1, timeout_ms) > 0;
  }

  int ends_[2] = {-1, -1};
  int started_ = 0;
};

}  // namespace

TEST_CASE("a cluster of functions trains and leaves no process", "[forks]") {
  const TemporaryDirectory directory;
  const RunDirectory run(directory / "run");
  Members members;
  auto options = options_for(run.path());
  options.seed = 7;
  options.children = 3;
  options.run_member = [](const MemberContext& member) { return train(member, 3); };
  const ClusterSummary summary = LoopbackCluster(options).run();
  CHECK(summary.error.empty());
  CHECK_FALSE(summary.stopped);
  CHECK(summary.parent_exit_code == 0);
  CHECK(summary.child_exit_codes == std::vector<int>{0, 0, 0});
  CHECK(members.all_gone());
  CHECK(std::stoull(file_text(run.path() / "merges")) >= kMerges);
  CHECK(json_of(run.config())["children"] == 3);
  std::set<std::string> seeds;
  for (int number = 1; number <= 3; ++number) {
    seeds.insert(file_text(run.child(number) / "seed"));
    CHECK(file_text(run.child(number) / "output.log").find("learning") != std::string::npos);
  }
  CHECK(seeds.size() == 3);
  CHECK_FALSE(run.is_at_work());

  SECTION("and goes on, with those of its Children that can") {
    // What Child 2 left says that its state was removed.
    std::ofstream(run.path() / "children" / "child_2" / "final.safetensors") << "x";
    options.resume = Resume::kRequired;
    options.run_member = [](const MemberContext& member) {
      note(member.directory / "resumed", member.resume ? "yes" : "no");
      return train(member, 3);
    };
    CHECK(LoopbackCluster(options).run().error.empty());
    CHECK(file_text(run.path() / "resumed") == "yes\n");
    CHECK(file_text(run.child(1) / "resumed") == "yes\n");
    CHECK(file_text(run.child(2) / "resumed") == "no\n");
    CHECK(std::filesystem::exists(run.child(2).string() + ".ended-" + std::to_string(::getpid())));
  }
}

TEST_CASE("a cluster's middle Parents stand between it and its Children", "[forks]") {
  const TemporaryDirectory directory;
  const RunDirectory run(directory / "run");
  auto options = options_for(run.path());
  options.children = 5;
  options.groups = 2;
  options.run_member = [](const MemberContext& member) {
    note(member.directory / "child_count", std::to_string(member.children));
    return member.is_parent() && !member.is_middle() ? merge(member, 2, /*has_groups=*/true)
                                                     : train(member, 2);
  };
  const ClusterSummary summary = LoopbackCluster(options).run();
  CHECK(summary.error.empty());
  CHECK(summary.group_exit_codes == std::vector<int>{0, 0});
  CHECK(summary.child_exit_codes == std::vector<int>(5, 0));
  CHECK(std::stoull(file_text(run.path() / "merges")) >= kMerges);
  CHECK(file_text(run.path() / "child_count") == "2\n");
  CHECK(file_text(run.group(1) / "child_count") == "3\n");
  CHECK(file_text(run.group(2) / "child_count") == "2\n");
  CHECK(file_text(run.group(1) / "joined") == "3\n");
  CHECK(file_text(run.group(2) / "joined") == "2\n");

  options.directory = directory / "others";
  SECTION("one that dies leaves the others at work") {
    options.run_member = [](const MemberContext& member) {
      if (member.group != 2) return train(member, 1);
      const std::uint16_t port[] = {1};
      member.tell_ports(port);
      return 1;
    };
    const ClusterSummary again = LoopbackCluster(options).run();
    CHECK(again.error.empty());
    CHECK(again.group_exit_codes == std::vector<int>{0, 1});
  }
  SECTION("without any of them it fails") {
    options.run_member = [](const MemberContext& member) {
      if (!member.is_middle()) return train(member, 1);
      const std::uint16_t port[] = {1};
      member.tell_ports(port);
      return 1;
    };
    CHECK(LoopbackCluster(options).run().error.find("every middle Parent ended") == 0);
  }
  SECTION("more of them than Children are refused") {
    options.groups = 6;
    CHECK_THROWS_WITH(LoopbackCluster(options), Catch::Contains("groups is 6, with 5 Children"));
  }
}

TEST_CASE("a Child whose states are both damaged begins anew, and what it left is kept", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "run");
  options.resume = Resume::kIfPossible;
  options.children = 1;
  options.run_member = [](const MemberContext& member) {
    note(member.directory / "config.json", "{}");
    note(member.directory / "resumed", member.resume ? "yes" : "no");
    if (member.is_parent()) return train(member, 0);
    // Only its state matters here; it has learnt nothing.
    write_run_state(member.directory / "state.safetensors", small_layout(), state_of_small_layout());
    write_run_state(member.directory / "state.safetensors", small_layout(), state_of_small_layout());
    return train(member, 1);
  };
  const RunDirectory child(RunDirectory(options.directory).child(1));
  CHECK(LoopbackCluster(options).run().error.empty());
  CHECK(LoopbackCluster(options).run().error.empty());
  CHECK(file_text(child.path() / "resumed") == "no\nyes\n");

  // One good state is enough.
  std::ofstream(child.state()) << "x";
  CHECK(LoopbackCluster(options).run().error.empty());
  CHECK(file_text(child.path() / "resumed") == "no\nyes\nyes\n");

  const std::string kept = child.path().string() + ".ended-" + std::to_string(::getpid());
  for (const std::string& place : {kept, kept + "_1"}) {
    CAPTURE(place);
    std::ofstream(child.state()) << "x";
    std::ofstream(child.previous_state()) << "x";
    std::string warning;
    set_log_sink([&warning](LogLevel level, std::string_view text) {
      if (level == LogLevel::kWarning) warning = text;
    });
    CHECK(LoopbackCluster(options).run().error.empty());
    set_log_sink({});
    CHECK(warning.find("child_1 begins anew with the Parent's weights") == 0);
    CHECK(warning.find("state.previous.safetensors") != std::string::npos);
    CHECK(file_text(child.path() / "resumed") == "no\n");
    CHECK(file_text(place + "/state.safetensors") == "x");
  }
}

TEST_CASE("a cluster runs once", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "run");
  options.children = 1;
  options.resume = Resume::kIfPossible;
  options.run_member = [](const MemberContext&) { return 0; };
  LoopbackCluster cluster(options);
  CHECK(cluster.run().error.empty());
  CHECK_THROWS_WITH(cluster.run(), Catch::Contains("LoopbackCluster::run() was already called"));
}

TEST_CASE("each start of a cluster has a token of its own", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "run");
  options.resume = Resume::kIfPossible;
  options.children = 1;
  options.run_member = [](const MemberContext& member) {
    if (!member.is_parent()) return 0;
    note(member.directory / "tokens", member.token);
    return 0;
  };
  for (int i = 0; i < 2; ++i) CHECK(LoopbackCluster(options).run().error.empty());
  std::istringstream tokens(file_text(directory / "run" / "tokens"));
  std::string first, second;
  tokens >> first >> second;
  CHECK(first.size() == 64);
  CHECK(second.size() == 64);
  CHECK(first != second);
}

TEST_CASE("a cluster goes on without a Child that failed, and fails without any", "[forks]") {
  const TemporaryDirectory directory;
  auto options = options_for(directory / "run");
  SECTION("one of two") {
    options.run_member = [](const MemberContext& member) -> int {
      if (member.number == 2) throw ArgumentError("the second cannot");
      return train(member, 1);
    };
    const ClusterSummary summary = LoopbackCluster(options).run();
    CHECK(summary.error.empty());
    CHECK(summary.child_exit_codes == std::vector<int>{0, 2});
    const auto output = RunDirectory(options.directory).child(2) / "output.log";
    CHECK(file_text(output).find("the second cannot") != std::string::npos);
  }
  SECTION("both") {
    options.run_member = [](const MemberContext& member) -> int {
      if (!member.is_parent()) throw std::runtime_error("no Child can");
      tell_a_port(member);
      note(member.directory / "summary.json", R"({"ended_by": "signal", "updates": 3, "error": null})");
      return 0;
    };
    const ClusterSummary summary = LoopbackCluster(options).run();
    CHECK(summary.error.find("every Child ended") != std::string::npos);
    CHECK(summary.child_exit_codes == std::vector<int>{1, 1});
    CHECK(summary.parent_exit_code == 0);
    const auto told = json_of(options.directory / "summary.json");
    CHECK(told["ended_by"] == "error");
    CHECK(told["error"] == summary.error);
    CHECK(told["updates"] == 3);
  }
}

TEST_CASE("a cluster whose Parent fails has failed, with its Children ended", "[forks]") {
  const TemporaryDirectory directory;
  Members members;
  auto options = options_for(directory / "run");
  SECTION("before it listens no Child is started") {
    options.run_member = [](const MemberContext& member) { return member.is_parent() ? 3 : 0; };
    const ClusterSummary summary = LoopbackCluster(options).run();
    CHECK(summary.error == "the Parent ended with exit code 3");
    CHECK(summary.parent_exit_code == 3);
    CHECK(summary.child_exit_codes.empty());
  }
  SECTION("by a signal, later") {
    options.run_member = [&members](const MemberContext& member) {
      members.started();
      if (!member.is_parent()) {
        wait_for_end();
        return 0;
      }
      const std::uint16_t port[] = {1};
      member.tell_ports(port);
      members.wait_for(3);
      ::raise(SIGKILL);
      return 0;
    };
    const ClusterSummary summary = LoopbackCluster(options).run();
    CHECK(summary.error.find("the Parent ended with signal 9") != std::string::npos);
    CHECK(summary.parent_exit_code == 128 + SIGKILL);
    CHECK(summary.child_exit_codes == std::vector<int>{0, 0});
  }
  SECTION("that never listens") {
    options.start_timeout = Milliseconds(50);
    options.run_member = [](const MemberContext&) {
      wait_for_end();
      return 0;
    };
    CHECK_THROWS_AS(LoopbackCluster(options).run(), IoError);
  }
  CHECK(members.all_gone());
}

TEST_CASE("a cluster that is stopped asks its members to end, and kills those that do not", "[forks]") {
  const TemporaryDirectory directory;
  Members members;
  auto options = options_for(directory / "run");
  options.end_timeout = Milliseconds(200);
  options.run_member = [&members](const MemberContext& member) {
    members.started();
    if (member.number == 2) {
      while (true) ::pause();
    }
    if (member.is_parent()) return tell_a_port(member);
    wait_for_end();
    return 0;
  };
  options.stop = [&members] { return members.are_started(3); };
  const ClusterSummary summary = LoopbackCluster(options).run();
  CHECK(summary.stopped);
  CHECK(summary.error.empty());
  REQUIRE(summary.child_exit_codes.size() == 2);
  CHECK(summary.child_exit_codes[0] == 0);
  CHECK(summary.child_exit_codes[1] == 128 + SIGKILL);
  CHECK(members.all_gone());
}

TEST_CASE("the members of a cluster end with the process that has started them", "[forks]") {
  const TemporaryDirectory directory;
  Members members;
  auto options = options_for(directory / "run");
  options.run_member = [&members](const MemberContext& member) {
    members.started();
    if (member.is_parent()) return tell_a_port(member);
    wait_for_end();
    return 0;
  };
  ChildProcess starter([&options] {
    LoopbackCluster(options).run();
    return 0;
  });
  members.wait_for(3);
  CHECK(RunDirectory(options.directory).is_at_work());
  CHECK_THROWS_AS(LoopbackCluster([&options] {
                    auto other = options;
                    other.lock_patience = Milliseconds(0);
                    return other;
                  }())
                      .run(),
                  ArgumentError);
  starter.kill(SIGKILL);
  starter.wait();
  CHECK(members.all_gone());
  CHECK_FALSE(RunDirectory(options.directory).is_at_work());
}

TEST_CASE("a cluster that is not possible is refused before anything is made") {
  const TemporaryDirectory directory;
  const auto refusal_of = [&](const std::function<void(LoopbackClusterOptions&)>& change) -> std::string {
    auto options = options_for(directory / "run");
    change(options);
    try {
      LoopbackCluster cluster(options);
    } catch (const ArgumentError& error) {
      return error.what();
    }
    return "taken";
  };
  CHECK(refusal_of([](auto&) {}) == "taken");
  CHECK(refusal_of([](auto& options) { options.children = 0; }).find("children is 0") == 0);
  CHECK(refusal_of([](auto& options) { options.directory.clear(); }).find("directory is empty") == 0);
  CHECK(refusal_of([](auto& options) { options.run_member = {}; }).find("neither of run_member") == 0);
  CHECK(refusal_of([](auto& options) {
          options.member_words = [](const MemberContext&) { return std::vector<std::string>{"parent"}; };
        }).find("both run_member and member_words are") == 0);
  CHECK(refusal_of([](auto& options) { options.resume = Resume::kRequired; }).find("resume") == 0);
  CHECK(refusal_of([](auto& options) { options.config = "[1]"; }) ==
        "config is '[1]'; expected the text of a JSON object, or none");
  CHECK(refusal_of([](auto& options) { options.resume = static_cast<Resume>(7); }) ==
        "resume is 7; expected one of the values of Resume");
  CHECK(refusal_of([](auto& options) { options.start_timeout = Milliseconds(0); }) ==
        "start_timeout is 0 ms; expected at least 1 ms");
  CHECK(refusal_of([](auto& options) {
          options.lock_patience = Milliseconds(-1);
        }).find("lock_patience is") == 0);
  CHECK(refusal_of([](auto& options) {
          options.child_patience = Milliseconds(-5);
        }).find("child_patience is -5 ms") == 0);
  CHECK(refusal_of([](auto& options) { options.end_timeout = Milliseconds(-1); }).find("end_timeout is") ==
        0);
  CHECK_FALSE(std::filesystem::exists(directory / "run"));
  std::filesystem::create_directories(directory / "run");
  std::ofstream(directory / "run" / "config.json") << "{}";
  std::ofstream(directory / "run" / "final.safetensors") << "x";
  CHECK(refusal_of([](auto&) {}).find("a run is in this directory already") != std::string::npos);
}
