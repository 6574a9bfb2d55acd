#include "core/processor_time.h"

#include <unistd.h>

#include <ctime>

#include "support/catch.h"
#include "support/child_process.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

// The system counts other processes' time in hundredths of a second.
constexpr double kWork = 0.2, kLeast = 0.1;

void work() {
  const std::clock_t start = std::clock();
  while (static_cast<double>(std::clock() - start) < kWork * CLOCKS_PER_SEC) {
  }
}

}  // namespace

TEST_CASE("processor time is that of this process and its descendants, those that live on included") {
  const double before = processor_seconds();
  work();
  const double alone = processor_seconds();
  CHECK(alone - before > kLeast);

  int worked[2];
  REQUIRE(pipe(worked) == 0);
  const auto work_and_wait = [&worked] {
    ChildProcess grandchild([&worked] {
      work();
      const bool told = write(worked[1], "x", 1) == 1;
      while (told) pause();
      return 1;
    });
    while (!grandchild.ended()) pause();
    return 1;
  };
  ChildProcess child(work_and_wait);
  char byte = 0;
  REQUIRE(read(worked[0], &byte, 1) == 1);
  CHECK(processor_seconds() - alone > kLeast);

  // One that has ended and was waited for counts as well.
  const double with_both = processor_seconds();
  ChildProcess ended([] {
    work();
    return 0;
  });
  CHECK(ended.wait() == "exit 0");
  CHECK(processor_seconds() - with_both > kLeast);
  for (const int end : worked) close(end);
}
