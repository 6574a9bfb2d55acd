#include "genkidama/ipc/shared_array.h"

#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "support/catch.h"
#include "support/child_process.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

TEST_CASE("shared memory starts as zeros and a forked process writes into it") {
  const SharedArray<std::uint32_t> array(5000, "a test");
  REQUIRE(array.size() == 5000);
  REQUIRE(std::accumulate(array.span().begin(), array.span().end(), 0u) == 0);
  ChildProcess child([&] {
    for (std::size_t i = 0; i < array.size(); ++i) array[i] = static_cast<std::uint32_t>(i);
    return 0;
  });
  REQUIRE(child.wait() == "exit 0");
  for (std::size_t i = 0; i < array.size(); ++i) REQUIRE(array[i] == i);
}

TEST_CASE("what a killed process wrote stays") {
  const SharedArray<int> array(1, "a test");
  ChildProcess child([&] {
    array[0] = 7;
    ::raise(SIGKILL);
    return 0;
  });
  REQUIRE(child.wait() == "signal 9");
  REQUIRE(array[0] == 7);
}

TEST_CASE("elements are initialised as their type says") {
  struct Element {
    int value = 42;
  };
  const SharedArray<Element> array(3, "a test");
  for (const Element& element : array.span()) REQUIRE(element.value == 42);
}

TEST_CASE("an array without elements maps nothing") {
  const SharedArray<float> none(0, "a test");
  REQUIRE(none.size() == 0);
  REQUIRE(none.data() == nullptr);
  REQUIRE(SharedArray<float>().size() == 0);
}

TEST_CASE("a mapping moves with its content and leaves an empty one") {
  SharedArray<int> first(10, "a test");
  first[9] = 3;
  int* const data = first.data();
  SharedArray<int> second(std::move(first));
  REQUIRE((second.data() == data && second[9] == 3));
  REQUIRE((first.data() == nullptr && first.size() == 0));
  SharedArray<int> third(2, "another test");
  third = std::move(second);
  REQUIRE((third.data() == data && third.size() == 10 && third[9] == 3));
  REQUIRE((second.data() == nullptr && second.size() == 0));
}

TEST_CASE("memory that the machine does not have is an error with the size and the purpose") {
  const auto mapping = [](std::size_t bytes) { SharedMapping(bytes, "the replay buffer"); };
  constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> sizes{kMax, kMax / 2 + 1};
  // Machines have as much as can be addressed with 32 bits.
  if (sizeof kMax > 4) sizes.insert(sizes.end(), {kMax / 2, kMax >> 12});
  for (const std::size_t bytes : sizes) {
    REQUIRE_THROWS_AS(mapping(bytes), IoError);
    REQUIRE_THROWS_WITH(mapping(bytes), Contains(std::to_string(bytes)) && Contains("the replay buffer"));
  }
  // Not a constant: the compiler would warn about a loop over so many elements.
  volatile std::size_t count = kMax / 4;
  REQUIRE_THROWS_AS(SharedArray<double>(count, "a test"), IoError);
}

TEST_CASE("a refused reservation is an error and no signal at the first write") {
  ChildProcess child([] {
    // The limit on files holds for anonymous ones too: the reservation fails although the mapping would not.
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    try {
      const SharedArray<char> array(1 << 20, "a test");
      array[(1 << 20) - 1] = 1;
    } catch (const IoError&) {
      return 0;
    }
    return 2;
  });
  REQUIRE(child.wait() == "exit 0");
}

TEST_CASE("relaxed copies take every element") {
  const SharedArray<float> shared(1000, "a test");
  std::vector<float> in(1000), out(1000, -1.0f);
  std::iota(in.begin(), in.end(), 0.0f);
  relaxed_store(shared.span(), in);
  relaxed_load(shared.span(), out);
  REQUIRE(out == in);
  REQUIRE_THROWS_AS(relaxed_load(shared.span(), std::span(out).first(999)), ArgumentError);
  REQUIRE_THROWS_AS(relaxed_store(shared.span(), std::span(in).first(999)), ArgumentError);
}

TEST_CASE("relaxed copies begin and end anywhere, and touch nothing beside") {
  const SharedArray<float> shared(24, "a test");
  std::vector<float> in(24);
  std::iota(in.begin(), in.end(), 1.0f);
  for (std::size_t begin = 0; begin < 4; ++begin) {
    for (std::size_t own = 0; own < 4; ++own) {
      for (std::size_t size = 0; size <= 19; ++size) {
        CAPTURE(begin, own, size);
        for (float& element : shared.span()) element = -1;
        std::vector<float> out(24, -2.0f);
        relaxed_store(shared.span().subspan(begin, size), std::span(in).subspan(own, size));
        relaxed_load(shared.span().subspan(begin, size), std::span(out).subspan(own, size));
        for (std::size_t i = 0; i < 24; ++i) {
          REQUIRE(shared[i] == (i >= begin && i < begin + size ? in[own + i - begin] : -1));
          REQUIRE(out[i] == (i >= own && i < own + size ? in[i] : -2));
        }
      }
    }
  }
}

TEST_CASE("elements that are written while they are read are read whole") {
  const SharedArray<float> shared(64, "a test");
  std::atomic<bool> stop{false};
  const auto write = [&](float value) {
    const std::vector<float> in(shared.size(), value);
    while (!stop) relaxed_store(shared.span(), in);
  };
  std::thread first(write, 1.0f), second(write, -3.0f);
  bool whole = true;
  std::vector<float> out(shared.size());
  for (int i = 0; i < 2000; ++i) {
    relaxed_load(shared.span(), out);
    for (const float value : out) whole = whole && (value == 0.0f || value == 1.0f || value == -3.0f);
  }
  stop = true;
  first.join();
  second.join();
  REQUIRE(whole);
}
