#include "failing_new.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace genkidama::test {
namespace {

// Not the least there is: who has just looked may still count down.
constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min() / 2;

/// How many fail in a row.
const std::int64_t kInARow = [] {
  const char* const given = std::getenv("GENKIDAMA_FAILURES_IN_A_ROW");
  return given == nullptr ? 1 : std::max(1L, std::atol(given));
}();

/// In memory that forked processes share.
struct Counters {
  std::atomic<std::int64_t> left{kNone};  ///< allocations until the first that fails, which is at 1
  std::atomic<bool> failed{false};
  std::atomic<bool> others{false};
};

Counters& counters() {
  static Counters* const shared =
      new (::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
          Counters;
  return *shared;
}

std::atomic<std::uint64_t> generation{1};
std::atomic<std::uint64_t> spared_generation{0};
// Of this thread's first allocation.
thread_local std::uint64_t born = 0;
// The thread that made the FailingAllocation.
thread_local bool is_maker = false;

bool shall_fail() {
  if (born == 0) born = generation.load();
  Counters& shared = counters();
  if (shared.left.load(std::memory_order_relaxed) <= 1 - kInARow) return false;
  const bool counts = shared.others.load() ? !is_maker && born > spared_generation.load() : is_maker;
  if (!counts) return false;
  const std::int64_t left = shared.left.fetch_sub(1);
  if (left > 1 || left <= 1 - kInARow) return false;
  shared.failed.store(true);
  return true;
}

void* allocate(std::size_t size, std::size_t alignment) {
  if (shall_fail()) return nullptr;
  const std::size_t whole = size == 0 ? 1 : size;
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return std::malloc(whole);
  return std::aligned_alloc(alignment, (whole + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(std::size_t size, std::size_t alignment = 1) {
  if (void* memory = allocate(size, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

FailingAllocation::FailingAllocation(std::uint64_t number, Whose whose) {
  Counters& shared = counters();
  is_maker = true;
  shared.failed = false;
  shared.others = whose == Whose::kOtherThreads;
  shared.left = static_cast<std::int64_t>(number);
}

FailingAllocation::~FailingAllocation() {
  counters().left = kNone;
}

bool FailingAllocation::failed() const {
  return counters().failed;
}

void spare_threads_so_far() {
  spared_generation = generation.fetch_add(1);
}

}  // namespace genkidama::test

using genkidama::test::allocate;
using genkidama::test::allocate_or_throw;

void* operator new(std::size_t size) {
  return allocate_or_throw(size);
}
void* operator new[](std::size_t size) {
  return allocate_or_throw(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, 1);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, 1);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
