// What central inference costs and gains: a round trip to a predictor, a predictor's processor time for an
// action under load, and the gain of two halves of environments over one.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/env/lunar_lander.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/orchestrator/core_orchestrator.h"

namespace genkidama::benchmarks {
namespace {

constexpr std::size_t kSamples = 200'000;
constexpr int kRounds = 5;

using Microseconds = std::chrono::duration<double, std::micro>;

void spin(double microseconds) {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(Microseconds(microseconds));
  while (Clock::now() < end) {
  }
}

/// What passes between two steps is a round trip to the predictor, and what the worker does with it.
class Stopwatch final : public Environment {
 public:
  /// `samples` receives microseconds; `step_us` is how long a step takes.
  Stopwatch(std::span<double> samples, double step_us) : samples_(samples), step_us_(step_us) {
    spec_.name = "Stopwatch";
    spec_.observation_size = 8;
    spec_.action_count = 4;
    spec_.time_limit = 1'000;
    spec_ = completed(spec_);
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override {
    steps_ = 0;
    return observation_;
  }
  StepResult step(Action) override {
    if (steps_ > 0 && !samples_.empty())
      samples_[next_++ % samples_.size()] = Microseconds(Clock::now() - last_).count();
    if (step_us_ > 0) spin(step_us_);
    StepResult result;
    result.observation = observation_;
    result.truncated = ++steps_ == spec_.time_limit;
    last_ = Clock::now();
    return result;
  }

 private:
  EnvironmentSpec spec_;
  std::span<double> samples_;
  double step_us_;
  std::size_t next_ = 0;
  int steps_ = 0;
  Clock::time_point last_;
  std::vector<float> observation_ = std::vector<float>(8, 0.5f);
};

/// The bundled network, each observation of which takes so long.
class SlowNetwork final : public Network {
 public:
  SlowNetwork(std::unique_ptr<Network> inner, double row_us, double batch_us)
      : inner_(std::move(inner)), row_us_(row_us), batch_us_(batch_us) {}
  const ParameterLayout& layout() const override { return inner_->layout(); }
  std::vector<float> first_weights() const override { return inner_->first_weights(); }
  std::unique_ptr<GradientFunction> make_gradient_function() override {
    return inner_->make_gradient_function();
  }
  std::unique_ptr<PolicyFunction> make_policy_function() override {
    class Slow final : public PolicyFunction {
     public:
      Slow(std::unique_ptr<PolicyFunction> inner, double row_us, double batch_us)
          : inner_(std::move(inner)), row_us_(row_us), batch_us_(batch_us) {}
      void logits(std::span<const float> weights, std::span<const float> observation,
                  std::span<float> logits) override {
        logits_of_batch(weights, observation, 1, logits);
      }
      void logits_of_batch(std::span<const float> weights, std::span<const float> observations, std::size_t n,
                           std::span<float> logits) override {
        spin(batch_us_ + row_us_ * static_cast<double>(n));
        inner_->logits_of_batch(weights, observations, n, logits);
      }
      float value(std::span<const float> weights, std::span<const float> observation) override {
        return inner_->value(weights, observation);
      }

     private:
      std::unique_ptr<PolicyFunction> inner_;
      double row_us_, batch_us_;
    };
    return std::make_unique<Slow>(inner_->make_policy_function(), row_us_, batch_us_);
  }

 private:
  std::unique_ptr<Network> inner_;
  double row_us_, batch_us_;
};

OrchestratorOptions options_for(int workers, int environments, int predictors, bool halves, int round_steps) {
  OrchestratorOptions options;
  options.workers = workers;
  options.learning = Learning::kElsewhere;  // nobody learns here
  options.inference.predictors = predictors;
  options.inference.double_buffering = halves;
  options.hyperparameters = tuned_hyperparameters();
  options.hyperparameters.schedule = Schedule::kConstant;
  options.hyperparameters.round_end = RoundEnd::kStep;
  options.hyperparameters.round_steps = round_steps;
  options.hyperparameters.environments_per_worker = environments;
  return options;
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

/// Processor time of a process so far, in nanoseconds.
double processor_time(int pid) {
  double nanoseconds = 0;
  std::ifstream("/proc/" + std::to_string(pid) + "/schedstat") >> nanoseconds;
  return nanoseconds;
}

void measure_round_trip() {
  for (const int predictors : {0, 1}) {
    SharedArray<double> samples(kSamples, "samples");
    CoreOrchestrator trainer([&] { return std::make_unique<Stopwatch>(samples.span(), 0); }, mlp_network(),
                             options_for(1, 1, predictors, false, 20'000));
    std::vector<Segment> segments;
    for (int i = 0; i < kRounds; ++i) trainer.play_round(20'000, segments);
    std::vector<double> all(samples.span().begin(), samples.span().end());
    all.erase(std::remove(all.begin(), all.end(), 0.0), all.end());
    fmt::print("round_trip,predictors={},p50_us={:.2f},p90_us={:.2f},p99_us={:.2f}\n", predictors,
               percentile(all, 0.5), percentile(all, 0.9), percentile(all, 0.99));
  }
}

/// Of the network alone, a row at a time and in batches.
double network_nanoseconds(const std::vector<int>& hidden, std::size_t rows) {
  const auto network = mlp_network({.hidden = hidden})({.observation = {8}, .policy = 4, .values = 1}, 1);
  const auto function = network->make_policy_function();
  const std::vector<float> weights = network->first_weights();
  const std::vector<float> observations(rows * 8, 0.5f);
  std::vector<float> outputs(rows * 4);
  std::vector<double> times;
  for (int repetition = 0; repetition < 21; ++repetition) {
    const std::size_t calls = 1 + 20'000'000 / (rows * network->layout().size() * 10);
    const auto start = Clock::now();
    for (std::size_t i = 0; i < calls; ++i) function->logits_of_batch(weights, observations, rows, outputs);
    times.push_back(1e9 * seconds_since(start) / static_cast<double>(calls * rows));
  }
  return percentile(times, 0.5);
}

void measure_load() {
  for (const std::vector<int>& hidden : {std::vector<int>{64, 64}, std::vector<int>{256, 256}}) {
    for (const auto& [workers, environments] : {std::pair(2, 1), {2, 8}, {8, 1}, {8, 16}, {32, 1}}) {
      CoreOrchestrator trainer([] { return make_lunar_lander(); }, mlp_network({.hidden = hidden}),
                               options_for(workers, environments, 1, false, 40'000));
      std::vector<Segment> segments;
      trainer.play_round(40'000, segments);
      const int predictor = trainer.worker_pids().back();
      const double before = processor_time(predictor);
      double rows = 0, batches = 0;
      for (int i = 0; i < kRounds; ++i) {
        const RoundReport round = trainer.play_round(40'000, segments);
        rows += static_cast<double>(round.inference_rows);
        batches += static_cast<double>(round.inference_batches);
      }
      const double cost = (processor_time(predictor) - before) / rows;
      const double own = network_nanoseconds(hidden, 1);
      fmt::print(
          "load,network={},workers={},environments={},rows_of_a_batch={:.1f},ns_of_an_action={:.0f},"
          "ns_of_the_network={:.0f},ratio={:.2f}\n",
          hidden.front(), workers, environments, rows / batches, cost, own, cost / own);
    }
  }
}

/// Environment steps a second of one worker.
double rate(int environments, bool halves, double step_us, double row_us, double batch_us) {
  const auto network = [=](const NetworkSpec& spec, std::uint64_t seed) {
    return std::make_unique<SlowNetwork>(mlp_network()(spec, seed), row_us, batch_us);
  };
  CoreOrchestrator trainer([=] { return std::make_unique<Stopwatch>(std::span<double>(), step_us); }, network,
                           options_for(1, environments, 1, halves, 4'000));
  std::vector<Segment> segments;
  trainer.play_round(4'000, segments);
  const auto start = Clock::now();
  double steps = 0;
  for (int i = 0; i < 3; ++i)
    steps += static_cast<double>(trainer.play_round(4'000, segments).steps_in_round);
  return steps / seconds_since(start);
}

void measure_halves() {
  for (const int environments : {2, 8}) {
    for (const auto& [row_us, batch_us] : {std::pair(200.0, 0.0), {0.0, 200.0 * environments / 2}}) {
      std::vector<double> gains;
      double single = 0, halves = 0;
      for (int i = 0; i < 3; ++i) {
        single = rate(environments, false, 200, row_us, batch_us);
        halves = rate(environments, true, 200, row_us, batch_us);
        gains.push_back(halves / single);
      }
      fmt::print(
          "halves,environments={},step_us=200,row_us={},batch_us={},single_per_s={:.0f},halves_per_s={:.0f},"
          "gain={:.2f},least={:.2f}\n",
          environments, row_us, batch_us, single, halves, percentile(gains, 0.5),
          *std::min_element(gains.begin(), gains.end()));
    }
  }
}

}  // namespace
}  // namespace genkidama::benchmarks

int main(int count, char** words) {
  using namespace genkidama::benchmarks;
  const std::string what = count > 1 ? words[1] : "";
  if (count > 2 || (what != "" && what != "round-trip" && what != "load" && what != "halves")) {
    fmt::print(stderr, "usage: central_inference [round-trip|load|halves]\n");
    return 2;
  }
  if (what != "load" && what != "halves") measure_round_trip();
  if (what != "round-trip" && what != "halves") measure_load();
  if (what != "round-trip" && what != "load") measure_halves();
  return 0;
}
