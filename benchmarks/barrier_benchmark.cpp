// One round trip over the round barrier: the lead lets all workers go, they arrive again. Workers are
// processes.

#include <benchmark/benchmark.h>

#include <vector>

#include "genkidama/ipc/round_barrier.h"
#include "support/child_process.h"

namespace genkidama::benchmarks {
namespace {

constexpr Milliseconds kTooLong{20'000};

int work(RoundBarrier& barrier, int index) {
  do {
    barrier.arrive(index);
  } while (barrier.wait_for_release(index, Deadline::after(kTooLong)) == RoundBarrier::Release::kGo);
  return 0;
}

void round_trip(benchmark::State& state) {
  const int workers = static_cast<int>(state.range(0));
  RoundBarrier barrier(workers);
  std::vector<test::ChildProcess> processes;
  for (int i = 0; i < workers; ++i) processes.emplace_back([&barrier, i] { return work(barrier, i); });
  const auto all_arrived = [&] { return barrier.wait_for_all(Deadline::after(kTooLong), {}).complete; };
  bool complete = all_arrived();
  for (auto _ : state) {
    if (!complete) {
      state.SkipWithError("a worker did not arrive");
      break;
    }
    barrier.release();
    complete = all_arrived();
  }
  barrier.close();
  for (test::ChildProcess& process : processes) process.wait();
}

BENCHMARK(round_trip)->Name("barrier/round_trip")->Arg(1)->Arg(2)->Arg(8)->UseRealTime();

}  // namespace
}  // namespace genkidama::benchmarks
