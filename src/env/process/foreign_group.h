#pragma once

// The environments that one process serves, and their turns.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/rate_limit.h"
#include "env/process/foreign_session.h"
#include "genkidama/env/environment.h"
#include "genkidama/env/process_environment.h"

namespace genkidama {

/// One process after another, each of which serves the same number of environments. Used by one thread.
class ForeignGroup {
 public:
  /// What the process gave for an environment, copied before it is looked at: the process could change it
  /// afterwards.
  struct Given {
    std::vector<float> observation;
    std::vector<std::uint8_t> mask;
    std::vector<float> metrics;
    float reward = 0;
    std::uint8_t ends = 0;
  };

  /// Starts the program. Throws ArgumentError when it cannot play.
  ForeignGroup(ProcessEnvironmentOptions options, const EnvironmentContext& context,
               std::size_t environments);

  const ProcessEnvironmentOptions& options() const { return options_; }
  const EnvironmentSpec& spec() const { return spec_; }
  std::size_t environments() const { return rows_.size(); }
  /// Which start of the program runs, from 1 on; 0: none. An episode lives in one start.
  std::uint64_t running() const { return session_ ? starts_ : 0; }

  /// Starts an episode in a turn of its own, and the program where none runs. Throws ForeignFault, and
  /// ArgumentError when the program describes another environment than before.
  Given& reset(std::size_t environment, std::uint64_t seed);
  /// The next turn plays this step too.
  void prepare(std::size_t environment, Action action);
  /// What the step gave. It is played now, together with those that were prepared, unless an earlier turn has
  /// played it. Throws ForeignFault.
  Given& step(std::size_t environment, Action action);
  /// Ends the process, which has failed. Returns what happened, in words.
  std::string end(const ForeignFault& fault);

  /// Counts an episode that was lost; how many there were.
  std::uint64_t count_lost() { return ++lost_; }
  /// Whether one more warning may be logged.
  bool may_warn() { return warnings_.allow(Clock::now()); }

 private:
  enum class Step { kNone, kPrepared, kPlayed };
  struct Row {
    Step step = Step::kNone;
    Given given;
  };

  void start();
  void take(std::size_t environment);

  const ProcessEnvironmentOptions options_;
  const EnvironmentContext context_;
  std::string name_;  ///< for messages
  EnvironmentSpec spec_;
  std::unique_ptr<ForeignSession> session_;
  std::vector<Row> rows_;
  std::uint64_t starts_ = 0;
  std::uint64_t lost_ = 0;
  RateLimit warnings_{0.2, 10};
};

}  // namespace genkidama
