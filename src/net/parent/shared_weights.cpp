#include "net/parent/shared_weights.h"

#include <atomic>
#include <cstddef>

namespace genkidama {
namespace {

static_assert(std::atomic_ref<float>::is_always_lock_free);

float load(const float& element) {
  // atomic_ref<const float> comes only with C++26; a load does not write.
  return std::atomic_ref<float>(const_cast<float&>(element)).load(std::memory_order_relaxed);
}

void store(float& element, float value) {
  std::atomic_ref<float>(element).store(value, std::memory_order_relaxed);
}

}  // namespace

void read_shared(std::span<const float> from, std::span<float> to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = load(from[i]);
}

void average_shared(std::span<float> shared, std::span<const float> other, double weight,
                    std::span<float> result, std::size_t first) {
  // The formula alone would turn -0 into 0.
  if (weight == 0.0) return read_shared(shared, result);
  const auto keep = static_cast<float>(1.0 - weight), take = static_cast<float>(weight);
  const auto average = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      // What is written comes at once after what was read, so little of another thread's is lost.
      const float now = weight == 1.0 ? other[i] : keep * load(shared[i]) + take * other[i];
      store(shared[i], now);
      result[i] = now;
    }
  };
  average(first, result.size());
  average(0, first);
}

void change_shared(std::span<float> shared, std::span<const float> from, std::span<const float> to) {
  for (std::size_t i = 0; i < shared.size(); ++i) {
    const float value = load(shared[i]);
    store(shared[i], value == from[i] ? to[i] : value + (to[i] - from[i]));
  }
}

}  // namespace genkidama
