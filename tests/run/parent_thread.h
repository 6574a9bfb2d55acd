#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <span>
#include <utility>
#include <vector>

#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "genkidama/run/parent_run.h"
#include "genkidama/run/run_observer.h"
#include "run/resumed_run.h"

namespace genkidama::test {

/// Hands the port to another thread, and keeps what is told after each update.
class PortPromise : public run::RunObserver {
 public:
  explicit PortPromise(std::function<void(const run::UpdateEvent&)> after_update = {})
      : hook(std::move(after_update)) {}
  void on_listening(std::span<const std::uint16_t> ports) override { port.set_value(ports.front()); }
  void on_update(const run::UpdateEvent& event) override {
    updates.push_back(event.progress);
    if (hook) hook(event);
  }
  std::function<void(const run::UpdateEvent&)> hook;
  std::promise<std::uint16_t> port;
  std::vector<run::RunProgress> updates;
};

/// A Parent's run on a thread of its own.
class ParentThread {
 public:
  /// `hook` is called after each update, by the Parent's run.
  ParentThread(CoreOrchestrator& evaluator, const run::RunOptions& options,
               std::function<void(const run::UpdateEvent&)> hook = {},
               const std::function<void(ParentOptions&)>& change = {})
      : promise_(std::move(hook)),
        run_(evaluator, options, parent_options(change), &promise_),
        summary_(std::async(std::launch::async, [this] { return run_.run(); })),
        port_(promise_.port.get_future().get()) {}

  std::uint16_t port() const { return port_; }
  run::RunSummary summary() { return summary_.get(); }
  /// Once the run is over.
  const std::vector<run::RunProgress>& updates() const { return promise_.updates; }

 private:
  static ParentOptions parent_options(const std::function<void(ParentOptions&)>& change) {
    ParentOptions options;
    options.listen = {Endpoint::parse("127.0.0.1:0")};
    options.run_id = "not-this-one";
    if (change) change(options);
    return options;
  }

  PortPromise promise_;
  run::ParentRun run_;
  std::future<run::RunSummary> summary_;
  std::uint16_t port_;
};

inline ChildOptions child_of(std::uint16_t port) {
  ChildOptions options;
  options.connect = Endpoint{"127.0.0.1", port};
  options.name = "here";
  options.beta = 1;
  return options;
}

/// As options_in(), and whoever runs it says when it is over.
inline run::RunOptions without_end(const std::filesystem::path& directory) {
  run::RunOptions options = options_in(directory);
  options.updates.reset();
  return options;
}

}  // namespace genkidama::test
