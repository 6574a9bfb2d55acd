#include "genkidama/env/frame_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/wrapped_environment.h"

namespace genkidama {
namespace {

constexpr int kMostFrames = 1000;

class FrameStack final : public WrappedEnvironment {
 public:
  FrameStack(std::unique_ptr<Environment> inner, int frames)
      : WrappedEnvironment(std::move(inner), "make_frame_stack()") {
    EnvironmentSpec changed = spec();
    int& first = changed.observation_shape.front();
    if (frames < 1 || frames > kMostFrames || first > std::numeric_limits<int>::max() / frames) {
      throw ArgumentError(fmt::format("make_frame_stack() of '{}': {} frames given, expected 1 to {}",
                                      changed.name, frames, kMostFrames));
    }
    first *= frames;
    changed.observation_size = 0;
    set_spec(std::move(changed));
    stack_.resize(static_cast<std::size_t>(spec().observation_size));
  }

  Observation reset(std::uint64_t seed) override {
    is_first_ = true;
    return WrappedEnvironment::reset(seed);
  }

  void prepare_step(Action action) override { inner().prepare_step(action); }

 private:
  Observation observed(Observation observation) override {
    const auto frame = static_cast<std::ptrdiff_t>(observation.size());
    if (is_first_) {
      for (auto place = stack_.begin(); place != stack_.end(); place += frame) {
        std::copy(observation.begin(), observation.end(), place);
      }
    } else {
      std::copy(stack_.begin() + frame, stack_.end(), stack_.begin());
      std::copy(observation.begin(), observation.end(), stack_.end() - frame);
    }
    is_first_ = false;
    return stack_;
  }

  std::vector<float> stack_;
  bool is_first_ = true;
};

}  // namespace

std::unique_ptr<Environment> make_frame_stack(std::unique_ptr<Environment> environment, int frames) {
  return std::make_unique<FrameStack>(std::move(environment), frames);
}

}  // namespace genkidama
