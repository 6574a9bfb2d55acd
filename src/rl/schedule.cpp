#include "genkidama/rl/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace genkidama {

double scheduled(Schedule schedule, double first, double done) {
  switch (schedule) {
    case Schedule::kConstant:
      return first;
    case Schedule::kLinear:
      return first * std::max(0.0, 1.0 - done);
    case Schedule::kCosine:
      // At the end pi is not exact, and what is left would be a number just above 0.
      return done >= 1 ? 0 : first * (1 + std::cos(std::numbers::pi * done)) / 2;
  }
  return first;
}

const char* schedule_name(Schedule schedule) {
  switch (schedule) {
    case Schedule::kConstant:
      return "constant";
    case Schedule::kLinear:
      return "linear";
    case Schedule::kCosine:
      return "cosine";
  }
  return "";
}

}  // namespace genkidama
