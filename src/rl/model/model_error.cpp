#include "rl/model/model_error.h"

#include <algorithm>
#include <atomic>

#include "genkidama/core/is_finite.h"
#include "genkidama/ipc/shared_array.h"

namespace genkidama {
namespace {

constexpr float kLeastSteps = 100, kMostSteps = 200;
// It is forgotten within some thousand steps.
constexpr float kLargestError = 1e4f;
constexpr float kBackBelow = 0.9f;
constexpr float kUntried = 0, kUsed = 1, kStopped = 2;
enum Place : std::size_t { kSteps, kModel, kNoChange, kUse, kChanges };

float bounded(float error) {
  return is_finite(error) ? std::min(error, kLargestError) : kLargestError;
}

}  // namespace

void ModelError::add(float model, float no_change) {
  const float steps = std::min(relaxed_read(shared_[kSteps]) + 1, kMostSteps);
  relaxed_write(shared_[kSteps], steps);
  const auto move = [&](std::size_t place, float error) {
    const float mean = relaxed_read(shared_[place]);
    relaxed_write(shared_[place], mean + (bounded(error) - mean) / steps);
  };
  move(kModel, model);
  move(kNoChange, no_change);
}

float ModelError::relative() const {
  const float no_change = relaxed_read(shared_[kNoChange]);
  return no_change > 0 ? relaxed_read(shared_[kModel]) / no_change : 0;
}

ModelError::Change ModelError::look() {
  if (relaxed_read(shared_[kSteps]) < kLeastSteps) return Change::kNone;
  const float error = relative(), before = relaxed_read(shared_[kUse]);
  float now = before;
  if (before == kUsed && error > limit_) now = kStopped;
  if (before != kUsed && error < (before == kStopped ? kBackBelow * limit_ : limit_)) now = kUsed;
  if (now == before) return Change::kNone;
  const float found = std::atomic_ref<float>(shared_[kUse]).exchange(now, std::memory_order_relaxed);
  if (found == now || found == kUntried) return Change::kNone;
  relaxed_write(shared_[kChanges], relaxed_read(shared_[kChanges]) + 1);
  return now == kStopped ? Change::kStopped : Change::kResumed;
}

int ModelError::changes() const {
  return static_cast<int>(relaxed_read(shared_[kChanges]));
}

bool ModelError::is_used() const {
  return relaxed_read(shared_[kUse]) == kUsed;
}

}  // namespace genkidama
