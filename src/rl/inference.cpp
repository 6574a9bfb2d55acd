#include "genkidama/rl/inference.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

constexpr int kMostPredictors = 1'024;
constexpr int kMostBatch = 1'000'000;
constexpr std::chrono::microseconds kLongestWait{1'000'000};

}  // namespace

void InferenceOptions::check() const {
  if (predictors < 0 || predictors > kMostPredictors)
    throw ArgumentError(fmt::format("predictors is {}; expected 0 to {}", predictors, kMostPredictors));
  if (batch < 0 || batch > kMostBatch)
    throw ArgumentError(fmt::format("inference_batch is {}; expected 0 to {}", batch, kMostBatch));
  if (wait < std::chrono::microseconds{0} || wait > kLongestWait) {
    throw ArgumentError(
        fmt::format("inference_wait is {} us; expected 0 to {}", wait.count(), kLongestWait.count()));
  }
  if (!is_finite(tune_seconds) || tune_seconds < 0)
    throw ArgumentError(fmt::format("tune_seconds is {}; expected a number of at least 0", tune_seconds));
}

}  // namespace genkidama
