#include "genkidama/run/child_run.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "run/end_watch.h"
#include "run/local_run.h"
#include "run/state/resumed_session.h"

namespace genkidama::run {
namespace {

// For the Parent, after each round.
bool waits(const ChildOptions& options) {
  return options.exchange != ExchangeKind::kEach;
}

bool is_actor(const ChildOptions& options) {
  return options.exchange == ExchangeKind::kSegments;
}

std::vector<std::string> columns_of(const ChildOptions& options) {
  std::vector<std::string> columns = {"bytes_sent", "bytes_received", "connected", "exchanges", "reconnects"};
  if (waits(options)) columns.emplace_back("waited_seconds");
  return columns;
}

RunOptions without_first_weights(RunOptions options, bool is_actor) {
  const auto refuse = [&](const char* option, const std::filesystem::path& file) {
    if (file.empty()) return;
    throw ArgumentError(fmt::format(
        "{} {}: {}; give the file to the {}", options.name_of(option), file.string(),
        is_actor ? "an actor begins with its learner's weights" : "a Child begins with its Parent's weights",
        is_actor ? "learner" : "Parent"));
  };
  refuse("init_from", options.init_from);
  refuse("demonstrations", options.demonstrations);
  return options;
}

}  // namespace

class ChildRun::Impl {
 public:
  Impl(CoreOrchestrator& trainer, RunOptions options, ChildOptions child, RunObserver* observer)
      : run_(trainer, without_first_weights(std::move(options), is_actor(child)), observer,
             is_actor(child) ? run_kind::kActor : run_kind::kChild, columns_of(child)),
        trainer_(trainer),
        options_(std::move(child)),
        earlier_(run_.totals()) {
    options_.resume.reset();
    if (is_actor(options_)) {
      options_.round_steps = static_cast<std::uint64_t>(trainer.hyperparameters().round_steps);
    }
  }

  RunSummary run() {
    if (std::exchange(ran_, true)) {
      throw ArgumentError("ChildRun::run() was already called; make a new ChildRun");
    }
    // The Child is gone when this has returned: the evaluation that follows must not keep a Parent waiting.
    run_.attempt([this] {
      if (!run_.is_over()) train();
    });
    nlohmann::ordered_json extra;
    extra["workers"] = trainer_.workers();
    extra["name"] = options_.name;
    extra["exchanges"] = run_.totals().exchanges;
    extra["merges"] = merges_;
    extra["reconnects"] = run_.totals().reconnects;
    extra["codec"] = codec_name(options_.codec);
    extra["bytes_sent"] = bytes_sent_;
    extra["bytes_received"] = bytes_received_;
    if (waits(options_)) {
      extra["exchange"] = exchange_name(options_.exchange);
      extra["waited_seconds"] = waited_seconds_;
    }
    extra["parting_words"] = parting_words_;
    return run_.finish("parent", extra);
  }

 private:
  void train() {
    const bool plays = is_actor(options_);
    if (goes_on_with_session(run_.resumed_session(), plays ? "this actor" : "this Child",
                             plays ? "its learner's" : "its Parent's"))
      options_.resume = run_.resumed_session()->session;
    Child child(options_, trainer_);
    child.start();
    if (options_.listen) {
      const std::uint16_t port = child.port();
      log(LogLevel::kInfo, "{} listens on port {}", options_.name, port);
      run_.observer().on_listening({&port, 1});
    }
    const EndWatch<Child> watch(run_, child);
    try {
      parting_words_ = child.run([this](const ChildProgress& progress) {
        const double waited_before = waited_seconds_;
        const std::uint64_t sent_before = bytes_sent_, received_before = bytes_received_;
        count(progress);
        std::vector<std::string> fields = {
            fmt::format("{}", bytes_sent_ - sent_before),
            fmt::format("{}", bytes_received_ - received_before), progress.connected ? "1" : "0",
            fmt::format("{}", run_.totals().exchanges), fmt::format("{}", run_.totals().reconnects)};
        if (waits(options_)) {
          fields.push_back(fmt::format("{:.6g}", waited_seconds_ - waited_before));
        }
        if (!is_nothing(progress.round)) run_.record(progress.round, fields);
        run_.observer().on_links({.child = &progress});
        return !run_.is_over();
      });
    } catch (const StoppedError&) {
      parting_words_ = "stopped by a signal";
      count(child.progress());
      throw;
    }
    count(child.progress());
  }

  void count(const ChildProgress& progress) {
    run_.count_exchanges(earlier_.exchanges + progress.exchanges, earlier_.reconnects + progress.reconnects);
    run_.keep_session(progress.session);
    merges_ = progress.merges;
    waited_seconds_ = progress.waited_seconds;
    bytes_sent_ = progress.bytes_sent;
    bytes_received_ = progress.bytes_received;
  }

  LocalRun run_;
  CoreOrchestrator& trainer_;
  ChildOptions options_;
  const RunTotals earlier_;                            // of earlier processes
  std::uint64_t merges_ = 0;                           // of this process
  double waited_seconds_ = 0;                          // of this process
  std::uint64_t bytes_sent_ = 0, bytes_received_ = 0;  // of this process
  std::string parting_words_;
  bool ran_ = false;
};

ChildRun::ChildRun(CoreOrchestrator& trainer, RunOptions options, ChildOptions child, RunObserver* observer)
    : impl_(std::make_unique<Impl>(trainer, std::move(options), std::move(child), observer)) {}

ChildRun::~ChildRun() = default;

RunSummary ChildRun::run() {
  return impl_->run();
}

}  // namespace genkidama::run
