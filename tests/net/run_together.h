#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <vector>

#include "genkidama/net/child.h"
#include "net/fixture.h"

namespace genkidama::test {

/// Runs a Child for each trainer at the same time, each for so many exchanges. `options_of` is asked with the
/// trainer's place.
template <typename Trainer>
void run_together(const std::vector<std::unique_ptr<Trainer>>& trainers,
                  const std::function<ChildOptions(std::size_t)>& options_of, std::uint64_t count) {
  std::vector<std::future<void>> runs;
  for (std::size_t i = 0; i < trainers.size(); ++i) {
    runs.push_back(std::async(std::launch::async, [&trainer = *trainers[i], options = options_of(i), count] {
      Child child(options, trainer);
      child.run(exchanges(count));
    }));
  }
  for (auto& run : runs) run.get();
}

}  // namespace genkidama::test
