#include "rl/model/work_share.h"

#include <algorithm>
#include <atomic>
#include <cmath>

namespace genkidama {
namespace {

// So that a float counts exactly. What is below one piece is lost when the count begins anew.
constexpr float kMostSteps = 1 << 20;
constexpr double kMostLeft = 1'000;

/// Replaces the element by change(element), and returns what it was.
template <typename Change>
float exchange(float& element, const Change& change) {
  const std::atomic_ref<float> shared(element);
  float before = shared.load(std::memory_order_relaxed);
  while (!shared.compare_exchange_weak(before, change(before), std::memory_order_relaxed)) {
  }
  return before;
}

}  // namespace

void WorkShare::count() {
  const float steps = exchange(shared_[0], [](float n) { return n + 1 == kMostSteps ? 0 : n + 1; });
  const double more = std::floor(ratio_ * (static_cast<double>(steps) + 1)) - std::floor(ratio_ * steps);
  const double most = kMostLeft * std::max(ratio_, 1.0);
  exchange(shared_[1], [&](float left) { return static_cast<float>(std::min(left + more, most)); });
}

bool WorkShare::claim() {
  return exchange(shared_[1], [](float left) { return left >= 1 ? left - 1 : left; }) >= 1;
}

}  // namespace genkidama
