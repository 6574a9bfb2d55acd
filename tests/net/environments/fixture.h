#pragma once

// Environments for hosts, and a host in a thread of its own.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "genkidama/env/environment.h"
#include "genkidama/net/environments.h"
#include "net/fixture.h"

namespace genkidama::test {

/// A gate that steps wait at while it is shut.
class StepGate {
 public:
  void shut() { set(false); }
  void open() { set(true); }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
    --waiting_;
  }
  /// Until somebody waits at it.
  void wait_for_arrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  void set(bool is_open) {
    const std::lock_guard lock(mutex_);
    is_open_ = is_open;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = true;
  int waiting_ = 0;
};

/// Shows its seed, its steps and the sum of its actions; masks the choice that was taken last; ends after a
/// number of steps that follows from the seed, by itself or by its time limit, with a metric.
class SeedEnvironment final : public Environment {
 public:
  explicit SeedEnvironment(StepGate* gate = nullptr) : gate_(gate) {
    spec_.name = "Seed";
    spec_.observation_size = 3;
    spec_.action_space.choices = {3};
    spec_.action_space.low = {-1};
    spec_.action_space.high = {1};
    spec_.masks_actions = true;
    spec_.metrics = {"sum"};
    spec_.time_limit = 9;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t seed) override {
    seed_ = seed;
    observation_ = {static_cast<float>(seed % 1'000'003), 0, 0};
    mask_ = {1, 1, 1};
    return observation_;
  }
  using Environment::step;
  StepResult step(Action action) override {
    if (gate_ != nullptr) gate_->pass();
    observation_[1] += 1;
    observation_[2] += action[0] + 0.1f * action[1];
    mask_ = {1, 1, 1};
    mask_[static_cast<std::size_t>(action[0])] = 0;
    StepResult result;
    result.observation = observation_;
    result.reward = observation_[2] / 3;
    result.terminated = observation_[1] >= static_cast<float>(seed_ % 13 + 1);
    sum_ = observation_[2];
    result.metrics = {&sum_, 1};
    return result;
  }
  ActionMask action_mask() const override { return mask_; }

 private:
  StepGate* const gate_;
  EnvironmentSpec spec_;
  std::uint64_t seed_ = 0;
  std::vector<float> observation_ = std::vector<float>(3);
  std::vector<std::uint8_t> mask_ = {1, 1, 1};
  float sum_ = 0;
};

inline HostedEnvironmentsOptions server_options(int workers = 1, int each = 1) {
  HostedEnvironmentsOptions options;
  options.listen = {kLoopback};
  options.workers = workers;
  options.environments_per_worker = each;
  return options;
}

/// A started server.
struct RunningServer {
  explicit RunningServer(const HostedEnvironmentsOptions& options = server_options(),
                         const EnvironmentSpec& spec = SeedEnvironment().spec())
      : environments(options, spec) {
    environments.start();
  }
  std::uint16_t port() const { return environments.ports().at(0); }
  std::unique_ptr<Environment> make(int worker = 0, int index = 0,
                                    std::function<bool()> keep_waiting = {}) const {
    EnvironmentContext context;
    context.worker = worker;
    context.index = index;
    context.keep_waiting = std::move(keep_waiting);
    return environments.factory()(context);
  }

  HostedEnvironments environments;
};

inline EnvironmentHostOptions host_options(std::uint16_t port, int environments = 1,
                                           const std::string& name = "host") {
  EnvironmentHostOptions options;
  options.connect = loopback(port);
  options.environments = environments;
  options.name = name;
  options.backoff_min = Milliseconds(5);
  options.backoff_max = Milliseconds(50);
  return options;
}

/// A host in a thread of its own; asked to stop at the end of the scope.
class RunningHost {
 public:
  explicit RunningHost(const EnvironmentHostOptions& options, StepGate* gate = nullptr)
      : RunningHost(options, EnvironmentFactory([gate] { return std::make_unique<SeedEnvironment>(gate); })) {
  }
  RunningHost(const EnvironmentHostOptions& options, const EnvironmentFactory& factory)
      : host_(options, factory), result_(std::async(std::launch::async, [this] {
          return host_.run([this](const EnvironmentHostProgress&) { return !stops_.load(); });
        })) {}
  ~RunningHost() {
    stop();
    if (result_.valid()) result_.wait();
  }
  RunningHost(const RunningHost&) = delete;
  RunningHost& operator=(const RunningHost&) = delete;

  void stop() { stops_.store(true); }
  /// Waits; what run() returned, or the text of what it threw. Once.
  std::string result() {
    try {
      return result_.get();
    } catch (const std::exception& error) {
      return std::string("threw: ") + error.what();
    }
  }

 private:
  std::atomic<bool> stops_{false};
  EnvironmentHost host_;
  std::future<std::string> result_;
};

}  // namespace genkidama::test
