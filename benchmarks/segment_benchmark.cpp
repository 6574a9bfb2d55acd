// Segments that a learner takes in from eight actors over the loopback device: received, checked, decoded and
// queued, with nothing learnt.
//
//   segment_benchmark [SECONDS [ACTORS [STEPS]]]      default: 10 seconds, 8 actors, 256 steps of each a
//   round
//
// Each actor is a process that hands over the same segments (LunarLander's shape, 128 steps each) as soon as
// it has its answer. Prints steps per second of wall time, and per second of processor time of the learner's
// process, which is what one core would take in.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "genkidama/core/log.h"
#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "support/parent_process.h"

namespace genkidama::benchmarks {
namespace {

constexpr SegmentShape kShape{.observation = 8, .action = 1};
constexpr std::size_t kWeights = 9'797;  // of the preset `tuned`
constexpr std::uint64_t kSegmentSteps = 128;

class InstantActor final : public LocalTrainer {
 public:
  const ParameterLayout& layout() const override { return layout_; }
  SegmentShape segment_shape() const override { return kShape; }
  RoundReport train_round() override { return {}; }
  RoundReport play_round(std::uint64_t steps, std::vector<Segment>& segments) override {
    segments.clear();
    for (std::uint64_t left = steps; left > 0;) {
      const std::uint64_t n = std::min(left, kSegmentSteps);
      Segment& segment = segments.emplace_back();
      segment.observations.assign(kShape.observation * n, 0.5f);
      segment.actions.assign(n, 1);
      segment.rewards.assign(n, -0.25f);
      segment.log_probabilities.assign(n, -1);
      segment.last_observation.assign(kShape.observation, 0.25f);
      left -= n;
    }
    RoundReport report;
    report.steps_in_round = steps;
    return report;
  }
  void read_weights(std::span<float> out) const override { std::fill(out.begin(), out.end(), 0.0f); }
  void write_weights(std::span<const float>) override {}

 private:
  ParameterLayout layout_ = flat_layout(kWeights);
};

/// In a process of its own: plays as soon as it is told the port.
pid_t start_actor(int number, int port_pipe) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  std::uint16_t port = 0;
  if (::read(port_pipe, &port, sizeof port) != sizeof port) ::_exit(1);
  InstantActor actor;
  ChildOptions options;
  options.exchange = ExchangeKind::kSegments;
  options.connect = Endpoint{"127.0.0.1", port};
  options.name = "actor_" + std::to_string(number);
  Child(options, actor).run();
  ::_exit(0);
}

double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int measure(double seconds, int actors, std::uint64_t steps) {
  set_log_level(LogLevel::kWarning);
  int port_pipe[2];
  if (::pipe(port_pipe) != 0) return 1;
  std::vector<pid_t> processes;
  for (int i = 0; i < actors; ++i) processes.push_back(start_actor(i, port_pipe[0]));

  ParentOptions options;
  options.exchange = ExchangeKind::kSegments;
  options.listen = {Endpoint{"127.0.0.1", 0}};
  options.segments = {.shape = kShape, .round_steps = steps, .divide = false};
  options.rounds.first_children = static_cast<std::uint64_t>(actors);
  const std::vector<float> weights(kWeights);
  Parent learner(options, flat_layout(kWeights), weights);
  learner.start();
  const std::uint16_t port = learner.ports().at(0);
  for (int i = 0; i < actors; ++i) {
    if (::write(port_pipe[1], &port, sizeof port) != sizeof port) return 1;
  }

  std::uint64_t taken = 0, rounds = 0;
  double processor = 0;
  Clock::time_point since;
  while (rounds == 0 || seconds_since(since) < seconds) {
    const auto round = learner.take_segments(Milliseconds(60'000));
    if (!round) return 1;
    if (rounds++ == 0) {
      since = Clock::now();
      processor = processor_seconds();
    } else {
      for (const SegmentContribution& given : round->contributions) taken += given.batch.steps_in_segments();
    }
    learner.publish(weights);
  }
  const double wall = seconds_since(since), used = processor_seconds() - processor;
  learner.stop();
  for (const pid_t pid : processes) ::waitpid(pid, nullptr, 0);
  std::printf("%d actors, %llu steps each a round: %.0f steps/s; %.0f steps per second of one core\n", actors,
              static_cast<unsigned long long>(steps), static_cast<double>(taken) / wall,
              static_cast<double>(taken) / used);
  return 0;
}

}  // namespace
}  // namespace genkidama::benchmarks

int main(int argc, char** argv) {
  const auto number = [&](int index, double otherwise) {
    return argc > index ? std::atof(argv[index]) : otherwise;
  };
  return genkidama::benchmarks::measure(number(1, 10), static_cast<int>(number(2, 8)),
                                        static_cast<std::uint64_t>(number(3, 256)));
}
