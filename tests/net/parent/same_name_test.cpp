// Children of one name: their sessions tell them apart, and so do the names that they are shown by.
#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "genkidama/wire/protocol.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "net/parent/shown_name.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const std::vector<float> kWeights = random_weights(small_layout().size(), 3);

ParentOptions quick_to_close() {
  ParentOptions options = parent_options();
  options.run_id = "run";
  options.limits.close_timeout = Milliseconds(100);
  return options;
}

/// A joined Child that is only a socket.
struct Twin : RawPeer {
  explicit Twin(std::uint16_t port, const std::string& name = "a",
                const std::optional<SessionMark>& resume = {})
      : RawPeer(port) {
    upgrade();
    HelloMessage hello;
    hello.name = name;
    hello.run_id = "run";
    hello.layout = small_layout();
    hello.resume = resume;
    send_message(hello);
    welcome = read_message<WelcomeMessage>();
    std::vector<float> weights(kWeights.size());
    read_weights(weights);
  }
  void exchange(std::uint64_t sequence) {
    send_weights(child_frame(welcome.session, sequence), kWeights);
    std::vector<float> answer(kWeights.size());
    CHECK(read_weights(answer).sequence == sequence);
  }
  void leave() {
    send_message(LeaveMessage{"for good"});
    CHECK(read().opcode == 8);
    close();
  }

  WelcomeMessage welcome;
};

std::set<std::string> names(const Parent& parent) {
  std::set<std::string> names;
  for (const ChildStatus& child : parent.status().children) names.insert(child.name);
  return names;
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("a name that is taken is shown with the first number that is free", "[same_name]") {
  CHECK(shown_name("a", {}) == "a");
  CHECK(shown_name("a", {"b"}) == "a");
  CHECK(shown_name("a", {"a"}) == "a#2");
  CHECK(shown_name("a", {"a", "a#2", "a#4"}) == "a#3");
  CHECK(shown_name("a", {"a#2"}) == "a");
  CHECK(shown_name("a#2", {"a", "a#2"}) == "a#2#2");
  const std::string longest(kMaxNameBytes, 'x');
  const std::string second = shown_name(longest, {longest});
  CHECK(second == std::string(kMaxNameBytes - 2, 'x') + "#2");
  CHECK(shown_name(longest, {longest, second}) == std::string(kMaxNameBytes - 2, 'x') + "#3");
}

TEST_CASE("two Children of one name are told apart in the status, the updates and at both ends",
          "[same_name]") {
  const LogRecord log;
  std::mutex mutex;
  std::vector<std::pair<std::string, std::uint64_t>> updates;
  RunningParent running(quick_to_close(), [&](const ParentUpdate& update) {
    const std::lock_guard lock(mutex);
    updates.emplace_back(update.child, update.session);
  });
  FakeTrainer first_trainer, second_trainer;
  Child first(child_options(running.port(), 0.5, "a"), first_trainer);
  Child second(child_options(running.port(), 0.5, "a"), second_trainer);
  ChildRun first_run(first);
  REQUIRE(eventually([&] { return running.parent.status().updates > 0; }));
  ChildRun second_run(second);
  REQUIRE(eventually([&] {
    const auto children = running.parent.status().children;
    return children.size() == 2 && std::all_of(children.begin(), children.end(),
                                               [](const ChildStatus& child) { return child.updates > 0; });
  }));
  CHECK(names(running.parent) == Names{"a", "a#2"});
  CHECK(log.holds("parent: the Child at", "calls itself 'a'"));
  CHECK(log.holds("it is shown as 'a#2'", "parent"));
  CHECK(log.holds("child 'a': the Parent knows another Child of this name", "shows this one as 'a#2'"));
  first.request_stop();
  first_run.get();
  second.request_stop();
  second_run.get();
  running.parent.stop();
  const std::uint64_t first_session = first.progress().session.session;
  CHECK(second.progress().session.session != first_session);
  for (const auto& [name, session] : updates) CHECK(name == (session == first_session ? "a" : "a#2"));
}

TEST_CASE("one Child alone is shown by its name, and nobody warns", "[same_name]") {
  const LogRecord log;
  RunningParent running(quick_to_close());
  Twin child(running.port());
  CHECK(child.welcome.shown_name.empty());
  CHECK(names(running.parent) == Names{"a"});
  CHECK_FALSE(log.holds("calls itself", ""));
}

TEST_CASE("a name is free again when the one who had it has left for good", "[same_name]") {
  RunningParent running(quick_to_close());
  Twin first(running.port()), second(running.port());
  CHECK(second.welcome.shown_name == "a#2");
  first.exchange(1);
  first.leave();
  REQUIRE(eventually([&] { return running.parent.status().children.size() == 1; }));
  CHECK(names(running.parent) == Names{"a#2"});
  Twin third(running.port());
  CHECK(third.welcome.shown_name.empty());
  CHECK(names(running.parent) == Names{"a", "a#2"});
  CHECK(Twin(running.port()).welcome.shown_name == "a#3");
}

TEST_CASE("a session that is resumed keeps its name, and nobody takes it meanwhile", "[same_name]") {
  RunningParent running(quick_to_close());
  Twin first(running.port());
  Twin second(running.port());
  second.exchange(1);
  first.exchange(1);
  const SessionMark mark{second.welcome.session, 1};
  second.close();
  first.close();
  REQUIRE(eventually([&] { return running.parent.status().children.empty(); }));
  Twin third(running.port());
  CHECK(third.welcome.shown_name == "a#3");
  Twin again(running.port(), "a", mark);
  CHECK(again.welcome.sequence == 1);
  CHECK(again.welcome.shown_name == "a#2");
  CHECK(names(running.parent) == Names{"a#2", "a#3"});
}

TEST_CASE("a shown name is not what a session is resumed by", "[same_name]") {
  RunningParent running(quick_to_close());
  Twin first(running.port());
  Twin second(running.port());
  second.exchange(1);
  const SessionMark mark{second.welcome.session, 1};
  second.close();
  REQUIRE(eventually([&] { return running.parent.status().children.size() == 1; }));
  CHECK_FALSE(Twin(running.port(), "a#2", mark).welcome.sequence);
}

TEST_CASE("a Child that comes back without its session has its name again, and two never share one",
          "[same_name]") {
  RunningParent running(quick_to_close());
  Twin first(running.port());
  first.exchange(1);
  const SessionMark lost{first.welcome.session, 1}, unknown{first.welcome.session + 100, 1};
  first.close();
  REQUIRE(eventually([&] { return running.parent.status().children.empty(); }));
  // A later process, whose state is of a session that this Parent does not know.
  Twin later(running.port(), "a", unknown);
  CHECK_FALSE(later.welcome.sequence);
  CHECK(later.welcome.shown_name.empty());
  // The lost session was another Child's after all.
  Twin again(running.port(), "a", lost);
  CHECK(again.welcome.sequence == 1);
  CHECK(again.welcome.shown_name == "a#2");
  CHECK(names(running.parent) == Names{"a", "a#2"});
}
