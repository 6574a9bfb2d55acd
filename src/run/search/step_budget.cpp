#include "run/search/step_budget.h"

namespace genkidama::run {

void StepBudget::charge(std::size_t run, std::uint64_t steps) {
  if (run >= steps_.size()) steps_.resize(run + 1);
  spent_ = spent_ - steps_[run] + steps;
  steps_[run] = steps;
}

bool StepBudget::takes(std::optional<std::uint64_t> steps) {
  if (limit_ == 0) return true;
  const std::uint64_t left = spent_ < limit_ ? limit_ - spent_ : 0;
  const bool taken = steps ? *steps <= left : left > 0;
  refused_ = refused_ || !taken;
  return taken;
}

}  // namespace genkidama::run
