#pragma once

// An operator new that throws when it is told to.

#include <cstdint>

namespace genkidama::test {

/// While it lives, the Nth allocation from its beginning on throws std::bad_alloc: of this thread and of
/// processes that it forks, or of other threads; never of both. With GENKIDAMA_FAILURES_IN_A_ROW=COUNT in the
/// environment the COUNT - 1 after it do too.
class FailingAllocation {
 public:
  enum class Whose { kThisThread, kOtherThreads };

  explicit FailingAllocation(std::uint64_t number, Whose whose = Whose::kThisThread);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  /// Whether it came to it, also in a forked process.
  bool failed() const;
};

/// For threads that the library has started and that are not to be counted with kOtherThreads: all that have
/// asked for memory by now.
void spare_threads_so_far();

/// Calls `attempt(number)` with 1, 2, ... until no allocation failed in it; it makes a FailingAllocation and
/// returns its failed(). Returns how many did.
template <typename Attempt>
std::uint64_t until_none_fails(const Attempt& attempt) {
  std::uint64_t number = 0;
  while (attempt(++number)) {
  }
  return number - 1;
}

}  // namespace genkidama::test
