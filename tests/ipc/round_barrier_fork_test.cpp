#include <sys/time.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "genkidama/ipc/round_barrier.h"
#include "genkidama/ipc/shared_array.h"
#include "support/catch.h"
#include "support/child_process.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

using Release = RoundBarrier::Release;

// Its text differs from that of a dead worker, so a test whose wait it ended fails.
Deadline bounded() {
  return Deadline::after(Milliseconds(10000));
}
Deadline far() {
  return Deadline::after(Milliseconds(60000));
}

std::optional<std::string> find_dead(std::vector<ChildProcess>& workers) {
  for (std::size_t i = 0; i < workers.size(); ++i) {
    if (const auto end = workers[i].ended()) {
      return worker_name(static_cast<int>(i), static_cast<int>(workers.size())) + " ended: " + *end;
    }
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a thousand rounds of four processes lose nothing") {
  constexpr int kWorkers = 4, kRounds = 1000;
  RoundBarrier barrier(kWorkers);
  const SharedArray<std::uint64_t> counters(kWorkers, "a test");
  std::vector<ChildProcess> workers;
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      for (std::uint64_t round = 0; round < kRounds; ++round) {
        if (counters[worker] != 10 * round) return 1;  // the lead's part of the last round
        counters[worker] += 1;
        barrier.arrive(worker);
        if (barrier.wait_for_release(worker, far()) != Release::kGo) return 2;
      }
      return 0;
    });
  }
  int incomplete = 0, wrong = 0;
  for (std::uint64_t round = 0; round < kRounds && incomplete == 0; ++round) {
    if (!barrier.wait_for_all(far(), {}).complete) ++incomplete;
    for (std::uint64_t& counter : counters.span()) {
      if (counter != 10 * round + 1) ++wrong;
      counter += 9;
    }
    barrier.release();
  }
  REQUIRE(incomplete == 0);
  REQUIRE(wrong == 0);
  for (auto& worker : workers) REQUIRE(worker.wait() == "exit 0");
}

TEST_CASE("a worker killed before the barrier is named, and the others can be sent home") {
  RoundBarrier barrier(3);
  std::vector<ChildProcess> workers;
  for (int worker = 0; worker < 3; ++worker) {
    workers.emplace_back([&, worker] {
      if (worker == 1) ::raise(SIGKILL);
      barrier.arrive(worker);
      return barrier.wait_for_release(worker, far()) == Release::kClosed ? 0 : 1;
    });
  }
  const auto arrival = barrier.wait_for_all(bounded(), [&] { return find_dead(workers); });
  REQUIRE_FALSE(arrival.complete);
  REQUIRE(arrival.problem == "worker 2 of 3 ended: signal 9");
  barrier.close();
  REQUIRE(workers[0].wait() == "exit 0");
  REQUIRE(workers[2].wait() == "exit 0");
}

TEST_CASE("a worker killed while it waits at the barrier leaves nothing locked") {
  RoundBarrier barrier(2);
  std::vector<ChildProcess> workers;
  for (int worker = 0; worker < 2; ++worker) {
    workers.emplace_back([&, worker] {
      for (;;) {
        barrier.arrive(worker);
        if (barrier.wait_for_release(worker, far()) != Release::kGo) return 0;
      }
    });
  }
  REQUIRE(barrier.wait_for_all(bounded(), {}).complete);
  workers[0].kill(SIGKILL);
  REQUIRE(workers[0].wait() == "signal 9");
  // It had arrived, so this round is whole; the next one tells.
  barrier.release();
  REQUIRE(barrier.wait_for_all(bounded(), [&] { return find_dead(workers); }).problem ==
          "worker 1 of 2 ended: signal 9");
  while (!barrier.has_arrived(1)) ::usleep(100);
  barrier.close();
  REQUIRE(workers[1].wait() == "exit 0");
}

TEST_CASE("a worker that hangs is listed when the deadline passes") {
  RoundBarrier barrier(3);
  std::vector<ChildProcess> workers;
  for (int worker = 0; worker < 3; ++worker) {
    workers.emplace_back([&, worker] {
      if (worker == 1) ::pause();
      barrier.arrive(worker);
      return barrier.wait_for_release(worker, far()) == Release::kClosed ? 0 : 1;
    });
  }
  while (!barrier.has_arrived(0) || !barrier.has_arrived(2)) ::usleep(100);
  const auto arrival =
      barrier.wait_for_all(Deadline::after(Milliseconds(300)), [&] { return find_dead(workers); });
  REQUIRE_FALSE(arrival.complete);
  REQUIRE_THAT(arrival.problem,
               Contains("worker 2 of 3") && !Contains("worker 1 of 3") && !Contains("worker 3 of 3"));
  barrier.close();
  REQUIRE(workers[0].wait() == "exit 0");
  REQUIRE(workers[2].wait() == "exit 0");
}

TEST_CASE("a worker whose lead is silent gives up at its deadline") {
  RoundBarrier barrier(1);
  ChildProcess worker([&] {
    barrier.arrive(0);
    return barrier.wait_for_release(0, Deadline::after(Milliseconds(20))) == Release::kTimedOut ? 0 : 1;
  });
  REQUIRE(worker.wait() == "exit 0");
  REQUIRE(barrier.has_arrived(0));
}

TEST_CASE("signals interrupt no wait") {
  RoundBarrier barrier(2);
  std::vector<ChildProcess> workers;
  for (int worker = 0; worker < 2; ++worker) {
    workers.emplace_back([&, worker] {
      ::signal(SIGALRM, [](int) {});
      const itimerval often{{0, 200}, {0, 200}};
      ::setitimer(ITIMER_REAL, &often, nullptr);
      for (int round = 0; round < 50; ++round) {
        barrier.arrive(worker);
        if (barrier.wait_for_release(worker, far()) != Release::kGo) return 1;
      }
      return 0;
    });
  }
  int complete = 0;
  for (int round = 0; round < 50; ++round) {
    if (!barrier.wait_for_all(far(), [&] { return find_dead(workers); }).complete) break;
    ++complete;
    ::usleep(1000);  // the workers wait, and are interrupted, meanwhile
    barrier.release();
  }
  REQUIRE(complete == 50);
  for (auto& worker : workers) REQUIRE(worker.wait() == "exit 0");
}

TEST_CASE("a worker's copy of the barrier can go without harm to the others") {
  RoundBarrier* const barrier = new RoundBarrier(2);
  ChildProcess quitter([&] {
    barrier->arrive(0);
    delete barrier;
    return 0;
  });
  ChildProcess other([&] {
    barrier->arrive(1);
    return barrier->wait_for_release(1, far()) == Release::kGo ? 0 : 1;
  });
  REQUIRE(quitter.wait() == "exit 0");
  REQUIRE(barrier->wait_for_all(bounded(), {}).complete);
  barrier->release();
  REQUIRE(other.wait() == "exit 0");
  delete barrier;
}

namespace {

/// Whoever has this place: plays (counts) the rounds from the one that is not ended on.
int take_place(RoundBarrier& barrier, int worker, std::uint64_t& played) {
  const auto play = [&] {
    ++played;
    barrier.arrive(worker);
  };
  if (!barrier.has_arrived(worker)) play();
  while (barrier.wait_for_release(worker, far()) == Release::kGo) play();
  return 0;
}

bool stopped(pid_t pid) {
  int status = 0;
  return ::waitpid(pid, &status, WUNTRACED | WNOHANG) == pid && WIFSTOPPED(status);
}

}  // namespace

TEST_CASE("another process takes a dead worker's place whatever that one had done") {
  RoundBarrier barrier(2);
  const SharedArray<std::uint64_t> played(2, "a test");
  ChildProcess other([&] { return take_place(barrier, 1, played[1]); });
  const auto wait_for_all = [&] { return barrier.wait_for_all(bounded(), {}).complete; };

  SECTION("it died before it arrived") {
    ChildProcess dead([&] { return ::raise(SIGKILL); });
    REQUIRE(dead.wait() == "signal 9");
    REQUIRE_FALSE(barrier.has_arrived(0));
  }
  SECTION("it died when it had arrived and not waited yet") {
    ChildProcess dead([&] {
      barrier.arrive(0);
      return ::raise(SIGKILL);
    });
    REQUIRE(dead.wait() == "signal 9");
    REQUIRE(barrier.has_arrived(0));
  }
  SECTION("it died in its sleep, before the release") {
    ChildProcess dead([&] { return take_place(barrier, 0, played[0]); });
    REQUIRE(wait_for_all());
    dead.kill(SIGKILL);
    REQUIRE(dead.wait() == "signal 9");
  }
  SECTION("it died in its sleep after the release, whose wake-up is still there") {
    ChildProcess dead([&] { return take_place(barrier, 0, played[0]); });
    REQUIRE(wait_for_all());
    dead.kill(SIGSTOP);
    while (!stopped(dead.pid())) ::usleep(100);
    barrier.release();
    dead.kill(SIGKILL);
    REQUIRE(dead.wait() == "signal 9");
    REQUIRE_FALSE(barrier.has_arrived(0));
  }
  SECTION("it died when it was awake and had not begun the round") {
    ChildProcess dead([&] {
      barrier.arrive(0);
      if (barrier.wait_for_release(0, far()) != Release::kGo) return 1;
      return ::raise(SIGKILL);
    });
    REQUIRE(wait_for_all());
    barrier.release();
    REQUIRE(dead.wait() == "signal 9");
  }
  SECTION("it died when it had arrived twice and slept through nothing") {
    ChildProcess dead([&] {
      for (int round = 0; round < 2; ++round) {
        barrier.arrive(0);
        if (round == 0 && barrier.wait_for_release(0, far()) != Release::kGo) return 1;
      }
      return ::raise(SIGKILL);
    });
    REQUIRE(wait_for_all());
    barrier.release();
    REQUIRE(dead.wait() == "signal 9");
    REQUIRE(barrier.has_arrived(0));
  }

  played[0] = 0;
  const bool died_in_round = !barrier.has_arrived(0);
  ChildProcess replacement([&] { return take_place(barrier, 0, played[0]); });
  for (int round = 0; round < 3; ++round) {
    REQUIRE(wait_for_all());
    barrier.release();
  }
  REQUIRE(wait_for_all());
  barrier.close();
  REQUIRE(replacement.wait() == "exit 0");
  REQUIRE(other.wait() == "exit 0");
  REQUIRE(played[0] == (died_in_round ? 4 : 3));
}

TEST_CASE("a place that is taken a hundred times loses no round") {
  constexpr std::uint64_t kRounds = 100;
  RoundBarrier barrier(2);
  const SharedArray<std::uint64_t> played(2, "a test");
  ChildProcess other([&] { return take_place(barrier, 1, played[1]); });
  std::optional<ChildProcess> worker;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    worker.reset();
    worker.emplace([&] { return take_place(barrier, 0, played[0]); });
    REQUIRE(barrier.wait_for_all(bounded(), {}).complete);
    // Half of them sleep by now and half do not; some die before the release and some after.
    if (round % 2 == 0) ::usleep(200);
    if (round % 4 < 2) worker->kill(SIGKILL);
    barrier.release();
    worker->kill(SIGKILL);
    worker->wait();
  }
  worker.reset();
  worker.emplace([&] { return take_place(barrier, 0, played[0]); });
  REQUIRE(barrier.wait_for_all(bounded(), {}).complete);
  barrier.close();
  REQUIRE(worker->wait() == "exit 0");
  REQUIRE(other.wait() == "exit 0");
  REQUIRE(played[1] == kRounds + 1);
  REQUIRE(played[0] >= kRounds + 1);
}

TEST_CASE("the lead's wait looks around when it is called") {
  RoundBarrier barrier(1);
  const SharedArray<std::atomic<bool>> found(1, "a test");
  ChildProcess caller([&] {
    found[0] = true;
    barrier.wake_lead();
    return 0;
  });
  const auto find_problem = [&]() -> std::optional<std::string> {
    if (found[0]) return "somebody called";
    return std::nullopt;
  };
  REQUIRE(barrier.wait_for_all(far(), find_problem).problem == "somebody called");
  REQUIRE(caller.wait() == "exit 0");
}
