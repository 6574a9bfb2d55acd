#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "cli/commands/commands.h"
#include "cli/options/settings_check.h"
#include "cli/process/stop_signal.h"
#include "cli/terminal/live_line.h"
#include "cli/terminal/run_display.h"
#include "genkidama/core/log.h"
#include "genkidama/net/child.h"
#include "run/state/machine_time.h"
#include "run/trainer_run.h"

namespace genkidama::cli {
namespace {

Milliseconds milliseconds(double seconds) {
  return Milliseconds(static_cast<long long>(seconds * 1000));
}

ChildOptions child_options(const Settings& settings) {
  ChildOptions options;
  if (!settings.links.connect.empty()) options.connect = Endpoint::parse(settings.links.connect.front());
  if (options.connect) options.connect->tls |= settings.links.tls && !options.connect->plain;
  if (!settings.links.listen.empty()) options.listen = Endpoint::parse(settings.links.listen.front());
  options.beta = settings.links.beta;
  options.overlap = settings.links.overlap;
  options.name = settings.links.name;
  options.security = security_of(settings);
  options.join_timeout = milliseconds(settings.links.join_timeout_s);
  options.exchange_timeout = milliseconds(settings.links.exchange_timeout_s);
  // After a signal there may be a wait for the Parent's answer and another for its farewell.
  options.limits.close_timeout = Milliseconds(500);
  return options;
}

// A Child that was gone for a moment goes on with its session and its own weights, as one does that lost its
// link. After a longer time the others have moved on, and a merge of its old weights, with a large alpha,
// would set all of them back.
bool goes_on_with_session(const std::optional<run::ResumedSession>& resumed) {
  constexpr double kFreshSeconds = 120;
  if (!resumed || resumed->session.run_id.empty()) return false;
  const auto age = run::seconds_between(resumed->written, run::machine_time());
  const bool fresh = age && *age <= kFreshSeconds;
  log(LogLevel::kInfo, "the resumed state is {}: this Child {}",
      age ? fmt::format("{:.0f} s old", *age) : "from before this machine was started",
      fresh ? "goes on with its session" : "takes its Parent's weights");
  return fresh;
}

// Passes a signal on while run() waits for a Parent, when nobody else looks.
class SignalWatch {
 public:
  explicit SignalWatch(Child& child)
      : thread_([this, &child] {
          while (!done_.load() && stop_signal() == 0) std::this_thread::sleep_for(Milliseconds(100));
          if (stop_signal() != 0) child.request_stop();
        }) {}
  ~SignalWatch() {
    done_.store(true);
    thread_.join();
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

struct ChildOutcome {
  std::string reason;
  // Those of earlier processes included.
  std::uint64_t exchanges = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t merges = 0;  ///< of this process
};

// The Child is gone when this returns: the evaluation that follows must not keep a Parent waiting.
ChildOutcome train_with_parent(const Settings& settings, CoreOrchestrator& trainer, run::TrainerRun& run) {
  ChildOutcome outcome;
  const std::optional<run::ResumedSession>& resumed = run.resumed_session();
  const run::RunTotals earlier = run.totals();
  outcome.exchanges = earlier.exchanges;
  outcome.reconnects = earlier.reconnects;
  if (run.ended_by()) return outcome;
  ChildOptions options = child_options(settings);
  if (goes_on_with_session(resumed)) options.resume = resumed->session;
  Child child(std::move(options), trainer);
  child.start();
  if (!settings.links.listen.empty()) {
    log(LogLevel::kInfo, "{} listens on port {}", settings.links.name, child.port());
  }
  const SignalWatch watch(child);
  const auto count = [&](const ChildProgress& progress) {
    outcome.exchanges = earlier.exchanges + progress.exchanges;
    outcome.reconnects = earlier.reconnects + progress.reconnects;
    outcome.merges = progress.merges;
    run.count_exchanges(outcome.exchanges, outcome.reconnects);
    run.keep_session(progress.session);
  };
  try {
    outcome.reason = child.run([&](const ChildProgress& progress) {
      count(progress);
      run.record(progress.round, {progress.connected ? "1" : "0", fmt::format("{}", outcome.exchanges),
                                  fmt::format("{}", outcome.reconnects)});
      return !run.ended_by();
    });
  } catch (const StoppedError&) {
    run.give_up();
    outcome.reason = "stopped by a signal";
  }
  count(child.progress());
  return outcome;
}

}  // namespace

int run_child(Job job) {
  prepare_run_directory(job);
  log_above_live_line();
  RunDisplay display;
  const auto trainer = make_trainer(job, job.settings.learning.workers,
                                    [&display](const RoundProgress& round) { display.on_round(round); });
  run::TrainerRun run(run_options(job, trainer->environment_spec().name), *trainer, display,
                      {"connected", "exchanges", "reconnects"});
  tell_start(job, *trainer);
  try {
    try {
      run.begin();
    } catch (const StoppedError&) {
      run.give_up();
    }
    const ChildOutcome outcome = train_with_parent(job.settings, *trainer, run);
    const std::string ended_by = run.ended_by().value_or("parent");
    nlohmann::ordered_json extra;
    extra["workers"] = trainer->workers();
    extra["name"] = job.settings.links.name;
    extra["exchanges"] = outcome.exchanges;
    extra["merges"] = outcome.merges;
    extra["reconnects"] = outcome.reconnects;
    extra["parting_words"] = outcome.reason;
    return exit_code_of(run.finish(ended_by, extra));
  } catch (const std::exception&) {
    display.close();
    run.fail();
  }
}

}  // namespace genkidama::cli
