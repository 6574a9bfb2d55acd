#include "run/state/checkpointer.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/params/safetensors.h"
#include "run/directory/thinning.h"

namespace genkidama::run {

Checkpointer::Checkpointer(const RunOptions& options, const RunDirectory& directory,
                           std::function<PolicyOrigin()> origin)
    : options_(options), directory_(directory), origin_(std::move(origin)), last_state_(Clock::now()) {}

void Checkpointer::resumed_at(std::uint64_t update) {
  std::error_code ignored;
  const auto policy = directory_.checkpoint(update);
  // The state alone can be fallen back on when no policy was kept at that update.
  last_checkpoint_ = std::filesystem::exists(policy, ignored) ? policy : directory_.state();
}

bool Checkpointer::is_due(const RunTotals& totals) const {
  return is_policy_kept(options_, totals.updates) || is_state_due(totals.wall_seconds);
}

bool Checkpointer::is_state_due(double wall_seconds) const {
  constexpr double kFirstState_s = 1;
  // A young run has little to lose, but all of it: no kill costs more than half of what there is.
  const double young = std::max(kFirstState_s, wall_seconds / 2);
  return options_.checkpoint_seconds > 0 &&
         seconds_since(last_state_) >= std::min(options_.checkpoint_seconds, young);
}

Checkpointer::Written Checkpointer::write(const PolicySnapshot& snapshot, const RunTotals& totals,
                                          const FillState& fill) {
  Written written;
  try {
    // The state first: whoever finds a policy finds a state at least as new.
    if (fill) last_checkpoint_ = written.state = write_state(snapshot, totals, fill);
    if (is_policy_kept(options_, totals.updates)) {
      written.policy = directory_.checkpoint(totals.updates);
      write_policy(written.policy, snapshot, totals);
      last_checkpoint_ = written.policy;
    }
    if (failing_) log(LogLevel::kInfo, "checkpoints are written again, from update {}", totals.updates);
    failing_ = false;
  } catch (const Error& error) {
    if (!failing_) {
      log(LogLevel::kError,
          "the checkpoint of update {} could not be written; the run goes on, and every later checkpoint "
          "tries again: {}",
          totals.updates, error.what());
    }
    failing_ = true;
    written.complete = false;
    written.policy.clear();
  }
  return written;
}

void Checkpointer::complete(const PolicySnapshot& snapshot, const RunTotals& totals) {
  std::error_code ignored;
  const auto path = directory_.checkpoint(totals.updates);
  if (totals.updates == 0 || !is_policy_kept(options_, totals.updates) ||
      std::filesystem::exists(path, ignored)) {
    return;
  }
  try {
    write_policy(path, snapshot, totals);
    last_checkpoint_ = path;
  } catch (const Error& error) {
    log(LogLevel::kError, "{} could not be written: {}", path.string(), error.what());
  }
}

Checkpointer::Written Checkpointer::write_final(const PolicySnapshot& snapshot, const RunTotals& totals,
                                                const FillState& fill) {
  Written written;
  const auto attempt = [&](const char* what, const std::function<void()>& write) {
    try {
      write();
    } catch (const Error& error) {
      const std::string failure = fmt::format("{} could not be written: {}", what, error.what());
      log(LogLevel::kError, "{}; {}", failure, last_checkpoint_text());
      written.failure += (written.failure.empty() ? "" : "; ") + failure;
      written.complete = false;
    }
  };
  if (fill) {
    attempt("the run's last state",
            [&] { last_checkpoint_ = written.state = write_state(snapshot, totals, fill); });
  }
  attempt("the final policy", [&] {
    write_policy(directory_.final_weights(), snapshot, totals);
    written.policy = directory_.final_weights();
  });
  return written;
}

std::filesystem::path Checkpointer::write_state(const PolicySnapshot& snapshot, const RunTotals& totals,
                                                const FillState& fill) {
  const PolicyOrigin origin = origin_();
  RunState state;
  state.totals = totals;
  state.subject = {.kind = {}, .environment = origin.environment, .policy = origin.policy};
  state.average = &snapshot.average;
  fill(state);
  last_state_ = Clock::now();
  write_run_state(directory_.state(), origin.layout, snapshot.weights, state);
  return directory_.state();
}

void Checkpointer::write_policy(const std::filesystem::path& path, const PolicySnapshot& snapshot,
                                const RunTotals& totals) const {
  write_safetensors(path, policy_file(snapshot, origin_(), options_, totals));
}

std::string Checkpointer::last_checkpoint_text() const {
  if (last_checkpoint_.empty()) return "no checkpoint was written before";
  return fmt::format("the last good checkpoint is {}, and {} {} goes on from it", last_checkpoint_.string(),
                     options_.name_of("resume"), directory_.path().string());
}

}  // namespace genkidama::run
