// The wall clock of a cluster jumps (Debian's libfaketime); nobody may feel it. scripts/chaos clock is the
// long form.
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>

#include "fixture.h"
#include "genkidama/params/safetensors.h"
#include "support/catch.h"

using namespace genkidama::test;

namespace {

constexpr long long kYear = 31'536'000;

std::string fake_time_library() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib", ignored)) {
    const auto library = entry.path() / "faketime" / "libfaketimeMT.so.1";
    if (std::filesystem::exists(library, ignored)) return library.string();
  }
  return {};
}

/// Whoever reads it sees one of the two, never half of one.
void set_clock(const std::filesystem::path& file, long long offset) {
  const std::filesystem::path whole = file.string() + ".new";
  std::ofstream(whole) << (offset < 0 ? "" : "+") << offset << "\n";
  std::filesystem::rename(whole, file);
}

/// libfaketime's own shared memory, which a process that is killed or ends by _exit() leaves behind.
void remove_leftovers() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored)) {
    const std::string name = entry.path().filename();
    if (name.rfind("faketime_shm_", 0) != 0 && name.rfind("sem.faketime_sem_", 0) != 0) continue;
    const pid_t pid = std::atoi(name.c_str() + name.rfind('_') + 1);
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) std::filesystem::remove(entry.path(), ignored);
  }
}

std::uint64_t updates_in(const std::filesystem::path& run) {
  const auto rows = csv_of(run / "metrics.csv");
  return rows.size() < 2 || rows.back().empty() || rows.back()[0].empty() ? 0 : std::stoull(rows.back()[0]);
}

}  // namespace

TEST_CASE("a cluster trains on while the wall clock jumps by up to ten years") {
  const std::string library = fake_time_library();
  if (library.empty()) {
    std::cout << "skipped: there is no libfaketime (Debian's package libfaketime)\n";
    return;
  }
  const TemporaryDirectory directory;
  const auto run = directory / "run", clock = directory / "clock";
  set_clock(clock, 0);
  std::vector<std::string> words = {"/usr/bin/env", "LD_PRELOAD=" + library,
                                    "FAKETIME_TIMESTAMP_FILE=" + clock.string(), "FAKETIME_NO_CACHE=1",
                                    "FAKETIME_DONT_FAKE_MONOTONIC=1"};
  for (const std::string& word :
       call("cluster", "--children", "2", "--workers", "2", "--round-steps", "200", "--eval-episodes", "0",
            "--updates", "1000000000", "--checkpoint-seconds", "0.1", "--run-dir", run.string())) {
    words.push_back(word);
  }
  RunningProgram cluster(words);
  const auto trains_on = [&] {
    const std::uint64_t goal = updates_in(run) + 10;
    return cluster.wait_until([&] { return updates_in(run) >= goal; });
  };
  // The Parent trains on with the first Child that is there.
  REQUIRE(cluster.wait_for_error_text("joined as session 2"));
  REQUIRE(trains_on());
  REQUIRE(cluster.wait_until([&] { return std::filesystem::exists(run / "state.safetensors"); }));
  const auto before = cluster.processes();
  for (const long long jump : {60LL, 3'600LL, 86'400LL, 10 * kYear}) {
    for (const long long offset : {jump, 0LL, -jump, 0LL}) {
      CAPTURE(offset);
      set_clock(clock, offset);
      REQUIRE(trains_on());
      CHECK_NOTHROW(genkidama::read_safetensors(run / "state.safetensors"));
    }
  }
  // Nobody was taken for hung, nobody started again.
  CHECK(std::set<pid_t>(before.begin(), before.end()) == [&] {
    const auto now = cluster.processes();
    return std::set<pid_t>(now.begin(), now.end());
  }());
  cluster.signal(SIGTERM);
  const auto result = cluster.wait();
  CAPTURE(result.errors);
  CHECK(result.exit_code == 128 + SIGTERM);
  CHECK(cluster.all_gone());
  remove_leftovers();
  for (const std::string child : {"child_1", "child_2"}) {
    const auto summary = json_of(run / "children" / child / "summary.json");
    CHECK(summary["reconnects"] == 0);
    CHECK(summary["worker_restarts"] == 0);
    const auto rows = csv_of(run / "children" / child / "metrics.csv");
    for (std::size_t i = 2; i < rows.size(); ++i) {
      const double step = std::stod(rows[i].at(2)) - std::stod(rows[i - 1].at(2));
      REQUIRE(step >= 0);
      REQUIRE(step < 60);
    }
  }
}
