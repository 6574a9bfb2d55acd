#pragma once

// Actors and a learner of tests, with real sockets at both ends.
#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/wire/segments.h"
#include "net/fixture.h"
#include "net/run_together.h"
#include "support/catch.h"
#include "support/raw_peer.h"
#include "support/relay.h"

namespace genkidama::test {

inline constexpr std::size_t kActorWeights = 16;
inline constexpr SegmentShape kShape{.observation = 1, .action = 1};
inline constexpr std::uint64_t kRoundSteps = 30;
/// Longer than any test: where it passes a case fails by its own deadline.
inline constexpr Milliseconds kNever{3'600'000};
inline constexpr Milliseconds kSoon{1'000};

/// Steps are told apart by their rewards, which an actor counts up.
inline Segment segment_of(std::uint64_t first, std::uint64_t steps, std::uint64_t version) {
  Segment segment;
  for (std::uint64_t i = 0; i < steps; ++i) {
    segment.observations.push_back(0.5f);
    segment.actions.push_back(1);
    segment.rewards.push_back(static_cast<float>(first + i));
    segment.log_probabilities.push_back(-0.7f);
  }
  segment.last_observation = {0};
  segment.policy_version = version;
  return segment;
}

inline SegmentBatch batch_of(std::uint64_t steps, std::vector<Segment> segments) {
  SegmentBatch batch;
  batch.steps = steps;
  batch.segments = std::move(segments);
  return batch;
}

/// A trainer that only plays.
class FakeActor final : public FakeTrainer {
 public:
  explicit FakeActor(std::uint64_t first_step = 0, std::size_t components = 0)
      : next_(first_step), own_{first_step + 1, RunningStatistics(components)} {}

  SegmentShape segment_shape() const override { return kShape; }
  RoundReport play_round(std::uint64_t steps, std::vector<Segment>& segments) override {
    if (on_play) on_play();
    asked.push_back(steps);
    played_with.push_back(written.back());
    ++rounds;
    segments = {segment_of(next_, steps / 2, 0), segment_of(next_ + steps / 2, steps - steps / 2, 0)};
    for (std::uint64_t i = 0; i < steps && own_.statistics.components() > 0; ++i) {
      own_.statistics.add(std::vector<float>(own_.statistics.components(), static_cast<float>(next_ + i)));
    }
    next_ += steps;
    RoundReport report;
    report.episodes = {{7, 10, true}};
    report.steps_in_round = steps;
    return report;
  }
  std::size_t statistics_components() const override { return own_.statistics.components(); }
  NumberedStatistics own_statistics() const override { return own_; }
  void write_other_statistics(const RunningStatistics& given) override { others = given; }
  std::uint64_t played() const { return next_; }

  std::function<void()> on_play;
  std::vector<std::uint64_t> asked;             ///< of each round
  std::vector<std::vector<float>> played_with;  ///< the weights of each round
  std::atomic<std::uint64_t> rounds{0};         ///< so far, for any thread
  RunningStatistics others;

 private:
  std::uint64_t next_;
  NumberedStatistics own_;
};

inline ParentOptions learner_options(std::uint64_t actors, Milliseconds deadline = kNever) {
  ParentOptions options = parent_options();
  options.exchange = ExchangeKind::kSegments;
  options.segments = {.shape = kShape, .round_steps = kRoundSteps};
  options.rounds.first_children = actors;
  options.rounds.deadline = deadline;
  options.rounds.max_staleness = 0;
  options.run_id = "run";
  return options;
}

inline ChildOptions actor_options(std::uint16_t port, const std::string& name) {
  ChildOptions options = child_options(port, 0, name);
  options.exchange = ExchangeKind::kSegments;
  return options;
}

/// What comes of learning: the update in every weight.
inline std::vector<float> weights_after(std::uint64_t update) {
  return std::vector<float>(kActorWeights, static_cast<float>(update));
}

/// A Parent, and a thread that "learns".
class Learning {
 public:
  /// `on_round` is called, in the thread that learns, with each round before it is learnt from.
  explicit Learning(const ParentOptions& options, std::function<void(const SegmentRound&)> on_round = {})
      : running(options),
        on_round_(std::move(on_round)),
        update_(options.first_update),
        thread_([this] { learn(); }) {}
  ~Learning() { stop(); }

  std::uint16_t port() const { return running.port(); }
  void stop() {
    if (!thread_.joinable()) return;
    running.parent.stop("the test is over");
    over_ = true;
    thread_.join();
  }
  std::size_t rounds() const {
    const std::lock_guard lock(mutex_);
    return rounds_.size();
  }
  SegmentRound round(std::size_t i) const {
    const std::lock_guard lock(mutex_);
    return rounds_.at(i);
  }
  /// How often each step was learnt from.
  std::map<std::uint64_t, int> learnt() const {
    const std::lock_guard lock(mutex_);
    std::map<std::uint64_t, int> steps;
    for (const SegmentRound& round : rounds_) {
      for (const SegmentContribution& given : round.contributions) {
        for (const Segment& segment : given.batch.segments) {
          for (const float reward : segment.rewards) ++steps[static_cast<std::uint64_t>(reward)];
        }
      }
    }
    return steps;
  }
  template <typename Count>
  std::uint64_t sum(const Count& count) const {
    const std::lock_guard lock(mutex_);
    std::uint64_t result = 0;
    for (const SegmentRound& round : rounds_) {
      for (const SegmentContribution& given : round.contributions) result += count(given);
    }
    return result;
  }

  RunningParent running;

 private:
  void learn() {
    while (!over_) {
      auto round = running.parent.take_segments(Milliseconds(5));
      if (!round) continue;
      if (on_round_) on_round_(*round);
      {
        const std::lock_guard lock(mutex_);
        rounds_.push_back(std::move(*round));
      }
      running.parent.publish(weights_after(++update_));
    }
  }

  const std::function<void(const SegmentRound&)> on_round_;
  mutable std::mutex mutex_;
  std::vector<SegmentRound> rounds_;
  std::uint64_t update_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

/// So many exchanges of an actor whose link is cut all the time, at different places of an exchange.
inline void play_over_cut_links(const Learning& learning, FakeActor& actor, std::uint64_t count) {
  Relay relay(learning.port());
  std::uint64_t plays = 0;
  actor.on_play = [&] {
    if (++plays % 3 == 0) relay.cut(learning.port());
  };
  Child child(actor_options(relay.port(), "actor"), actor);
  {
    ChildRun run(child, exchanges(count));
    for (int i = 0; i < 40 && !run.ended(); ++i) {
      std::this_thread::sleep_for(Milliseconds(2));
      relay.cut(learning.port());
    }
    run.get();
  }
  CHECK(child.progress().reconnects > 0);
}

/// An actor that is only a socket.
struct RawActor : RawPeer {
  explicit RawActor(std::uint16_t port, const std::string& name = "raw",
                    const std::optional<SessionMark>& resume = {})
      : RawPeer(port) {
    HelloMessage hello;
    hello.name = name;
    hello.layout = small_layout();
    hello.exchange = "segments";
    if (resume) hello.run_id = "run";
    hello.resume = resume;
    welcome = join(hello);
    sequence = welcome.sequence.value_or(0);
  }
  FrameHeader next_header() {
    FrameHeader header = frame_header(FrameType::kActorSegments, welcome.session, ++sequence);
    header.environment_steps = 100 * sequence;
    return header;
  }
  void send_batch(const FrameHeader& header, const SegmentBatch& batch, const SegmentShape& shape = kShape) {
    std::vector<std::byte> payload;
    encode_segments(batch, shape, payload);
    send_weights(header, {}, payload);
  }
  void send_steps(std::uint64_t first, std::uint64_t steps, std::uint64_t version) {
    FrameHeader header = next_header();
    header.update = version;
    send_batch(header, batch_of(steps, {segment_of(first, steps, version)}));
  }
  /// The next answer.
  FrameHeader answer() {
    const FrameHeader header = read_weights(weights);
    CHECK(header.sequence == sequence);
    return header;
  }
  SessionMark mark() const { return {welcome.session, sequence}; }

  WelcomeMessage welcome;
  std::uint64_t sequence = 0;
  std::vector<float> weights = std::vector<float>(kActorWeights);
};

/// So many real actors, each for so many exchanges.
inline std::vector<std::unique_ptr<FakeActor>> play_together(std::uint16_t port, std::uint64_t count,
                                                             std::uint64_t rounds,
                                                             std::size_t components = 0) {
  std::vector<std::unique_ptr<FakeActor>> actors;
  for (std::uint64_t i = 0; i < count; ++i)
    actors.push_back(std::make_unique<FakeActor>(100'000 * i, components));
  run_together(
      actors, [port](std::size_t i) { return actor_options(port, "actor_" + std::to_string(i)); }, rounds);
  return actors;
}

}  // namespace genkidama::test
