#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <thread>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/settings_check.h"
#include "cli/stop_signal.h"
#include "cli/trainer_run.h"
#include "genkidama/core/log.h"
#include "genkidama/net/child.h"

namespace genkidama::cli {
namespace {

Milliseconds milliseconds(double seconds) {
  return Milliseconds(static_cast<long long>(seconds * 1000));
}

ChildOptions child_options(const Settings& settings) {
  ChildOptions options;
  if (!settings.connect.empty()) options.connect = Endpoint::parse(settings.connect.front());
  if (options.connect) options.connect->tls |= settings.tls;
  if (!settings.listen.empty()) options.listen = Endpoint::parse(settings.listen.front());
  options.beta = settings.beta;
  options.overlap = settings.overlap;
  options.name = settings.name;
  options.security = security_of(settings);
  options.join_timeout = milliseconds(settings.join_timeout_s);
  options.exchange_timeout = milliseconds(settings.exchange_timeout_s);
  return options;
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
  ChildProgress progress;
};

// The Child is gone when this returns: the evaluation that follows must not keep a Parent waiting.
ChildOutcome train_with_parent(const Settings& settings, CoreOrchestrator& trainer, TrainerRun& run) {
  ChildOutcome outcome;
  if (run.ended_by()) return outcome;
  Child child(child_options(settings), trainer);
  child.start();
  if (!settings.listen.empty()) {
    log(LogLevel::kInfo, "{} listens on port {}", settings.name, child.port());
  }
  const SignalWatch watch(child);
  outcome.reason = child.run([&](const ChildProgress& progress) {
    run.record(progress.round, {progress.connected ? "1" : "0", fmt::format("{}", progress.exchanges),
                                fmt::format("{}", progress.reconnects)});
    return !run.ended_by();
  });
  outcome.progress = child.progress();
  return outcome;
}

}  // namespace

int run_child(Job job) {
  prepare_run_directory(job);
  catch_stop_signals();
  log_above_live_line();
  const auto trainer = make_trainer(job, job.settings.workers);
  TrainerRun run(job, *trainer, {"connected", "exchanges", "reconnects"});
  try {
    const ChildOutcome outcome = train_with_parent(job.settings, *trainer, run);
    const std::string ended_by = run.ended_by().value_or("parent");
    nlohmann::ordered_json extra;
    extra["workers"] = trainer->workers();
    extra["name"] = job.settings.name;
    extra["exchanges"] = outcome.progress.exchanges;
    extra["reconnects"] = outcome.progress.reconnects;
    extra["parting_words"] = outcome.reason;
    return run.finish(ended_by, extra);
  } catch (const std::exception&) {
    run.fail();
  }
}

}  // namespace genkidama::cli
