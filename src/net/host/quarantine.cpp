#include "net/host/quarantine.h"

#include <algorithm>

namespace genkidama {

Milliseconds Quarantine::punish(const std::string& who, Clock::time_point now) {
  if (first_ == Milliseconds::zero()) return first_;
  const auto known = offenders_.find(who);
  if (known == offenders_.end()) make_room(now);
  Offender& offender = offenders_[who];
  const bool again = offender.span > Milliseconds::zero() && now < offender.free + longest_;
  offender.span = again ? std::min(2 * offender.span, longest_) : first_;
  offender.free = now + offender.span;
  return offender.span;
}

Milliseconds Quarantine::left(const std::string& who, Clock::time_point now) const {
  const auto known = offenders_.find(who);
  if (known == offenders_.end() || known->second.free <= now) return Milliseconds::zero();
  return std::chrono::ceil<Milliseconds>(known->second.free - now);
}

void Quarantine::make_room(Clock::time_point now) {
  if (offenders_.size() < kMaxOffenders) return;
  std::erase_if(offenders_, [&](const auto& entry) { return entry.second.free + longest_ <= now; });
  if (offenders_.size() < kMaxOffenders) return;
  offenders_.erase(std::min_element(offenders_.begin(), offenders_.end(), [](const auto& a, const auto& b) {
    return a.second.free < b.second.free;
  }));
}

}  // namespace genkidama
