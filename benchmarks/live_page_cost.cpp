// live_page_cost [CHILDREN [SECONDS]]: the share of a core that a live page takes while one viewer is told of
// a Parent's Children. The Parent is left out: its status is made here, is another one each time, and is told
// ten times a second as a run does. The time of the viewer, who reads everything and looks at nothing, is
// taken off.
#include <time.h>

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "genkidama/core/clock.h"
#include "genkidama/run/live_page.h"
#include "support/raw_peer.h"

using namespace genkidama;

namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

ParentStatus status_of(std::size_t children, std::uint64_t turn) {
  ParentStatus status;
  status.updates = turn * children;
  for (std::size_t i = 0; i < children; ++i) {
    ChildStatus child;
    child.name = fmt::format("board_{:04}", i);
    child.address = fmt::format("10.0.{}.{}:40000", i / 250, i % 250);
    child.session = i + 1;
    child.updates = turn;
    child.since_child_began.steps = turn * (1000 + i);
    child.staleness = (i * 7 + turn) % 13;
    child.seconds_since_update = 0.1 * static_cast<double>(i % 10);
    child.round_seconds = 1.0 + 0.001 * static_cast<double>(i);
    child.bytes_received = turn * 40'000;
    child.bytes_sent = turn * 40'000;
    child.late = (i + turn) % 97 == 0;
    status.children.push_back(std::move(child));
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t children = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const double seconds = argc > 2 ? std::strtod(argv[2], nullptr) : 10;
  LivePageOptions options;
  options.listen = {"127.0.0.1", 0};
  run::LivePage page(options, {.command = "parent"});
  page.on_start({.directory = "none", .environment = "none", .progress = {}});
  page.start();
  std::atomic<std::size_t> bytes{0}, messages{0};
  std::atomic<bool> ends{false};
  double viewer_seconds = 0;
  std::thread viewer([&] {
    test::RawPeer peer(page.port());
    peer.upgrade("/live");
    while (!ends) {
      bytes += peer.read().payload.size();
      ++messages;
    }
    viewer_seconds = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  });
  while (page.viewers() == 0) std::this_thread::sleep_for(Milliseconds(1));

  double told_seconds = 0;
  const double process_before = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  const auto began = Clock::now();
  run::RunTotals totals;
  for (std::uint64_t turn = 1; seconds_since(began) < seconds; ++turn) {
    const double made_from = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    const ParentStatus status = status_of(children, turn);
    told_seconds -= seconds_of(CLOCK_THREAD_CPUTIME_ID) - made_from;
    ParentUpdate update;
    update.child = status.children[turn % children].name;
    update.movement = 1;
    totals.updates = status.updates;
    totals.wall_seconds = seconds_since(began);
    page.on_update(
        {totals,
         {.updates = totals.updates, .in_run = {}, .mean_return = 1.0, .done = {}, .children = children},
         nullptr,
         &update});
    page.on_links({.parent = &status});
    std::this_thread::sleep_for(Milliseconds(100));
  }
  const double wall = seconds_since(began);
  const double process = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - process_before;
  ends = true;
  page.on_end({});
  viewer.join();
  const double page_seconds = process + told_seconds - viewer_seconds;
  fmt::print(
      "{{\"children\": {}, \"seconds\": {:.2f}, \"share_of_a_core\": {:.4f}, \"messages\": {}, "
      "\"bytes_a_second\": {:.0f}}}\n",
      children, wall, page_seconds / wall, messages.load(), static_cast<double>(bytes) / wall);
  return 0;
}
