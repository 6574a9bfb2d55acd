#include "genkidama/run/learner_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/params/weighted_average.h"
#include "run/directory/parent_identity.h"
#include "run/local_run.h"
#include "run/segment_report.h"
#include "run/state/learner_memory.h"

namespace genkidama::run {
namespace {

/// In the order of the fields that learn() makes.
std::vector<std::string> columns() {
  std::vector<std::string> names = {"actors", "waited_seconds"};
  const std::vector<std::string> more = SegmentReport::columns();
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

CoreOrchestrator& checked(CoreOrchestrator& trainer) {
  if (trainer.learning() != Learning::kGiven) {
    throw ArgumentError(fmt::format("a learner's trainer has learning '{}'; expected '{}'",
                                    learning_name(trainer.learning()), learning_name(Learning::kGiven)));
  }
  return trainer;
}

std::size_t actors_in(const SegmentRound& round) {
  std::set<std::uint64_t> sessions;
  for (const SegmentContribution& given : round.contributions) sessions.insert(given.told.session);
  return sessions.size();
}

std::string parting_words(const std::string& ended_by) {
  if (ended_by == "signal") return "the learner was stopped by a signal";
  return fmt::format("the run is over ({})", ended_by);
}

}  // namespace

class LearnerRun::Impl {
 public:
  Impl(CoreOrchestrator& trainer, RunOptions options, ParentOptions parent, RunObserver* observer)
      : trainer_(checked(trainer)),
        memory_(trainer),
        run_(trainer, std::move(options), observer, run_kind::kLearner, columns(), &memory_),
        identity_(next_identity(run_.files().directory().identity(), run_.files().goes_on())),
        weights_(trainer.layout().size()) {
    parent.exchange = ExchangeKind::kSegments;
    parent.segments.shape = trainer.segment_shape();
    if (parent.segments.round_steps == 0) {
      parent.segments.round_steps = static_cast<std::uint64_t>(trainer.hyperparameters().round_steps);
    }
    parent.policy = trainer.policy_description();
    // One more stream beside those of the actors, so that each of them is told of it.
    if (const RunningStatistics& first = run_.first_statistics(); first.components() > 0) {
      memory_.statistics.set(trainer.own_statistics().stream, first);
    }
    parent.statistics = memory_.statistics;
    parent.first_update = run_.totals().updates;
    parent.first_steps = run_.totals().in_run.steps;
    parent.run_id = identity_.run_id;
    parent.epoch = identity_.epoch;
    name_ = parent.name;
    mode_ = parent.segments.mode;
    when_full_ = parent.segments.when_full;
    trainer.read_weights(weights_);
    parent_ = std::make_unique<Parent>(std::move(parent), trainer.layout(), weights_);
    run_.tell_progress([this](RunProgress& progress) {
      progress.children = actors_;
      segments_.complete(progress);
      progress.dropped_steps = run_.totals().dropped_steps;
    });
  }

  RunSummary run() {
    if (std::exchange(ran_, true)) {
      throw ArgumentError("LearnerRun::run() was already called; make a new LearnerRun");
    }
    try {
      run_.attempt([this] {
        if (!run_.is_over()) serve();
      });
    } catch (...) {
      parent_->stop("the learner failed");
      throw;
    }
    // The actors are gone when this has returned: the evaluation that follows must not keep them waiting.
    parent_->stop(parting_words(run_.ended_by().value_or("caller")));
    return run_.finish("caller", report());
  }

 private:
  void serve() {
    log(LogLevel::kInfo, "run {}, epoch {}", identity_.run_id, identity_.epoch);
    parent_->start();
    const auto ports = parent_->ports();
    for (const std::uint16_t port : ports) log(LogLevel::kInfo, "{} listens on port {}", name_, port);
    run_.observer().on_listening(ports);
    while (!run_.is_over()) {
      auto round = parent_->take_segments(Milliseconds(100));
      const ParentStatus status = parent_->status();
      actors_ = status.children.size();
      run_.observer().on_links({.parent = &status});
      if (round) {
        learn(std::move(*round));
      } else {
        run_.observer().on_wait(run_.progress());
      }
    }
  }

  void learn(SegmentRound round) {
    std::vector<Segment> segments;
    std::vector<EpisodeResult> episodes;
    std::uint64_t steps = 0, lost_episodes = 0;
    SegmentCounts counts;
    counts.queue_dropped_steps = round.dropped_steps;
    const std::size_t actors = actors_in(round);
    for (SegmentContribution& given : round.contributions) {
      SegmentBatch& batch = given.batch;
      counts += given.counts;
      // What only counted what to normalise with is in no segment, and is a part of the run.
      steps += batch.steps - batch.dropped_steps - given.counts.late_steps;
      lost_episodes += batch.lost_episodes;
      std::move(batch.segments.begin(), batch.segments.end(), std::back_inserter(segments));
      std::move(batch.episodes.begin(), batch.episodes.end(), std::back_inserter(episodes));
    }
    rounds_by_deadline_ += round.by_deadline ? 1 : 0;
    waited_seconds_ += round.waited_seconds;
    RoundReport report = trainer_.learn_round(segments, steps);
    report.episodes = std::move(episodes);
    report.lost_episodes = lost_episodes;
    report.segments = counts;
    report.queued_steps = round.queued_steps;
    segments_.add(counts, round.queued_steps);
    report.metrics = metric_means(trainer_.environment_spec().metrics, report.episodes);
    memory_.statistics = parent_->statistics();
    if (memory_.statistics.components() > 0) trainer_.write_other_statistics(memory_.statistics.all());
    trainer_.read_weights(weights_);
    // Actors play on while this round is written down and evaluated. Weights that are not sound end the run
    // there.
    if (first_non_finite(weights_) == weights_.size())
      parent_->publish(weights_, run_.totals().in_run.steps + steps);
    std::vector<std::string> fields = {fmt::format("{}", actors),
                                       fmt::format("{:.6g}", round.waited_seconds)};
    const std::vector<std::string> more = segments_.fields();
    fields.insert(fields.end(), more.begin(), more.end());
    run_.record(report, fields);
  }

  nlohmann::ordered_json report() const {
    const ParentStatus status = parent_->status();
    nlohmann::ordered_json json;
    json["name"] = name_;
    json["exchange"] = exchange_name(ExchangeKind::kSegments);
    json["workers"] = trainer_.workers();
    json["actors"] = actor_mode_name(mode_);
    json["segments"] = {{"rounds", status.rounds.closed},
                        {"rounds_by_deadline", rounds_by_deadline_},
                        {"waited_seconds", waited_seconds_}};
    json["segments"].update(segments_.json());
    // After the last round, too.
    json["segments"]["queue_dropped_steps"] = status.rounds.dropped_steps;
    json["segments"]["queued_steps"] = status.rounds.queued_steps;
    if (mode_ == ActorMode::kAsynchronous) json["segments"]["when_full"] = full_queue_name(when_full_);
    json["actors_joined"] = status.joined;
    json["actors_resumed"] = status.resumed;
    json["actors_left"] = status.left;
    json["refused_peers"] = status.refused_peers;
    json["refused_frames"] = status.refused_updates;
    json["last_refusal"] = status.last_refusal;
    json["run_id"] = identity_.run_id;
    json["epoch"] = identity_.epoch;
    return json;
  }

  CoreOrchestrator& trainer_;
  LearnerMemory memory_;
  LocalRun run_;
  // On the disk before anything is listened to: no later process may be taken for this one.
  const ParentIdentity identity_;
  std::vector<float> weights_;
  std::string name_;
  ActorMode mode_ = ActorMode::kWaiting;
  FullQueue when_full_ = FullQueue::kWait;
  std::size_t actors_ = 0;
  SegmentReport segments_;
  std::uint64_t rounds_by_deadline_ = 0;
  double waited_seconds_ = 0;
  bool ran_ = false;
  std::unique_ptr<Parent> parent_;
};

LearnerRun::LearnerRun(CoreOrchestrator& trainer, RunOptions options, ParentOptions parent,
                       RunObserver* observer)
    : impl_(std::make_unique<Impl>(trainer, std::move(options), std::move(parent), observer)) {}

LearnerRun::~LearnerRun() = default;

RunSummary LearnerRun::run() {
  return impl_->run();
}

}  // namespace genkidama::run
