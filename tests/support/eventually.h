#pragma once

#include <thread>

#include "genkidama/core/clock.h"
#include "support/patience.h"

namespace genkidama::test {

/// For states that nothing announces: looks again and again until `predicate` holds; false after 20 s.
template <typename Predicate>
bool eventually(const Predicate& predicate) {
  const Deadline deadline = Deadline::after(patient_seconds(20));
  while (!predicate()) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(Milliseconds(2));
  }
  return true;
}

}  // namespace genkidama::test
