// Parent and Child: an allocation that fails costs a link at most, never a half of a merge.
#include <exception>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "failing_new.h"
#include "genkidama/core/log.h"
#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

using Whose = FailingAllocation::Whose;

/// Less noise: a failure is logged each time.
struct QuietLogs {
  QuietLogs() {
    set_log_sink([](LogLevel, std::string_view) {});
  }
  ~QuietLogs() { set_log_sink({}); }
};

/// A Child that has joined.
struct Guest {
  explicit Guest(std::uint16_t port, const std::string& name) : peer(port) {
    session = peer.join(small_layout(), name).session;
  }
  /// Returns the answer.
  std::vector<float> exchange(const std::vector<float>& weights) {
    peer.send_weights(child_frame(session, ++sequence), weights);
    std::vector<float> answer(weights.size());
    if (peer.read_weights(answer).sequence != sequence) throw std::runtime_error("another answer");
    return answer;
  }

  RawPeer peer;
  std::uint64_t session = 0, sequence = 0;
};

std::vector<float> merged(std::vector<float> weights, const std::vector<float>& given, double alpha) {
  weighted_average(weights, given, alpha);
  return weights;
}

constexpr double kAlpha = 0.5;

/// Many of the peers here never answer a close.
template <typename Options>
Options hurried(Options options) {
  options.limits.close_timeout = Milliseconds(20);
  return options;
}

/// One Child joins a Parent and sends weights while the Parent's Nth allocation fails.
bool join_with_failure(std::uint64_t number, int merge_threads) {
  ParentOptions options = hurried(parent_options(kAlpha));
  options.merge_threads = merge_threads;
  RunningParent running(options);
  const auto size = small_layout().size();
  const auto first = random_weights(size, 1), second = random_weights(size, 2),
             third = random_weights(size, 3);
  Guest steady(running.port(), "the steady Child with a long name");
  const auto before = merged(running.initial, first, kAlpha);
  REQUIRE(same_bits(steady.exchange(first), before));
  const auto after = merged(before, second, kAlpha);
  const auto alone = [&] { return running.parent.status().children.size() == 1; };
  // Once another one has come and gone, nothing of the steady one's exchange is left to be done.
  { Guest(running.port(), "between"); }
  REQUIRE(eventually(alone));
  bool answered = false, failed = false;
  {
    const FailingAllocation failing(number, Whose::kOtherThreads);
    try {
      Guest guest(running.port(), "the other Child with a long name");
      answered = same_bits(guest.exchange(second), after);
    } catch (const std::exception&) {
      // Its link was dropped.
    }
    // What the Parent does about its end belongs to it too.
    REQUIRE(eventually(alone));
    failed = failing.failed();
  }
  CAPTURE(number);
  REQUIRE((answered || failed));
  const auto held = running.parent.weights();
  const bool was_merged = same_bits(held, after);
  REQUIRE((was_merged || same_bits(held, before)));
  REQUIRE(running.parent.status().updates == (was_merged ? 2 : 1));
  // The Parent, the Child that was there, and others go on.
  const auto next = merged(held, third, kAlpha);
  REQUIRE(same_bits(steady.exchange(third), next));
  Guest late(running.port(), "late");
  REQUIRE(same_bits(late.exchange(first), merged(next, first, kAlpha)));
  running.parent.stop("the end");
  REQUIRE(steady.peer.read_message<EndMessage>().reason == "the end");
  return failed;
}

}  // namespace

TEST_CASE("a Parent without memory for a Child drops that Child at most") {
  const QuietLogs quiet;
  for (const int threads : {1, 3}) {
    CAPTURE(threads);
    CHECK(until_none_fails([&](std::uint64_t number) { return join_with_failure(number, threads); }) > 50);
  }
}

TEST_CASE("a Parent that dials a Child without memory for it dials again") {
  const QuietLogs quiet;
  const auto failures = until_none_fails([](std::uint64_t number) {
    CAPTURE(number);
    FakeTrainer trainer;
    ChildOptions options = hurried(child_options(0));
    options.connect.reset();
    options.listen = kLoopback;
    Child child(options, trainer);
    child.start();
    ParentOptions dialling = hurried(parent_options(kAlpha));
    dialling.listen.clear();
    dialling.connect = {loopback(child.port())};
    Parent parent(dialling, small_layout(), random_weights(small_layout().size(), 5));
    // The Child's thread counts too: both ends fail, in turn.
    const FailingAllocation failing(number, Whose::kOtherThreads);
    parent.start();
    child.run(exchanges(2));
    return failing.failed();
  });
  CHECK(failures > 100);
}

TEST_CASE("a Child without memory for its link makes it anew") {
  const QuietLogs quiet;
  const auto failures = until_none_fails([](std::uint64_t number) {
    CAPTURE(number);
    RunningParent running(hurried(parent_options(kAlpha)));
    // Its thread has asked for memory once somebody has joined.
    { Guest guest(running.port(), "first"); }
    spare_threads_so_far();
    FakeTrainer trainer;
    Child child(hurried(child_options(running.port())), trainer);
    bool failed = false;
    {
      const FailingAllocation failing(number, Whose::kOtherThreads);
      child.run(exchanges(3));
      failed = failing.failed();
    }
    REQUIRE(child.progress().exchanges == 3);
    REQUIRE(running.parent.status().updates >= 3);
    return failed;
  });
  CHECK(failures > 50);
}

TEST_CASE("a Child without memory when its answer does not come dials again") {
  const QuietLogs quiet;
  const auto failures = until_none_fails([](std::uint64_t number) {
    CAPTURE(number);
    Gate given_up;
    bool is_first = true;
    ParentOptions options = hurried(parent_options(kAlpha));
    options.merge_rule = [&](std::span<float> parent, std::span<const float> child,
                             const MergeContext& context) {
      if (std::exchange(is_first, false)) given_up.wait();
      weighted_average(parent, child, context.alpha);
    };
    RunningParent running(options);
    { Guest guest(running.port(), "first"); }
    spare_threads_so_far();
    FakeTrainer trainer;
    ChildOptions impatient = hurried(child_options(running.port()));
    impatient.exchange_timeout = Milliseconds(20);
    Child child(impatient, trainer);
    bool failed = false;
    {
      const FailingAllocation failing(number, Whose::kOtherThreads);
      child.run([&](const ChildProgress& progress) {
        if (!progress.connected) given_up.open();
        return progress.exchanges < 2;
      });
      failed = failing.failed();
    }
    REQUIRE(child.progress().reconnects >= 1);
    return failed;
  });
  CHECK(failures > 50);
}
