#include "genkidama/net/parent.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/wire/moments.h"
#include "genkidama/wire/protocol.h"
#include "genkidama/wire/statistics.h"
#include "net/check_options.h"
#include "net/host/link_host.h"
#include "net/host/quarantine.h"
#include "net/parent/merge_pool.h"
#include "net/parent/parent_session.h"
#include "net/parent/parent_state.h"
#include "net/parent/run_id.h"
#include "net/parent/session_numbers.h"
#include "net/quiet_log.h"

namespace genkidama {
namespace {

// Each may hold max_control_bytes before anything is known about it.
constexpr std::size_t kMaxHandshakes = 256;
constexpr Milliseconds kLatenessLook{1'000};
constexpr std::uint64_t kMostRoundSteps = std::uint64_t{1} << 30;
constexpr std::uint64_t kMostQueuedRounds = 1'000'000;

void check_queue_bytes(const SegmentOptions& options) {
  if (options.mode != ActorMode::kAsynchronous) return;
  const std::size_t step = options.shape.step_bytes();
  if (options.queue_bytes / step >= options.round_steps) return;
  throw ArgumentError(
      fmt::format("queue_bytes is {}, and a round of {} steps takes {} bytes at least; expected so many{}",
                  options.queue_bytes, options.round_steps, options.round_steps * step,
                  options.queue_bytes < step
                      ? ""
                      : fmt::format(", or a round of at most {} steps", options.queue_bytes / step)));
}

void check_population(const ParentOptions& options, const ParameterLayout& layout) {
  const PopulationOptions& population = options.population.options();
  if (options.exchange != ExchangeKind::kPopulation) {
    if (population.explored.empty()) return;
    throw ArgumentError(fmt::format("a population is given and the exchange is '{}'; expected 'population'",
                                    exchange_name(options.exchange)));
  }
  population.check();
  for (const ExploredHyperparameter& each : population.explored)
    check_peer_name(each.name, "an explored name");
  for (const PopulationMember& each : options.population.members()) {
    const std::size_t size = each.weights->size();
    if (size == layout.size()) continue;
    throw ArgumentError(fmt::format("member '{}' of the population has {} weights, and the layout {}",
                                    each.name, size, layout.size()));
  }
}

void check_merge_threads(const ParentOptions& options) {
  const int threads = options.merge_threads;
  if (threads < 1 || threads > kMaxMergeThreads)
    throw ArgumentError(fmt::format("merge_threads is {}; expected 1 to {}", threads, kMaxMergeThreads));
  if (threads == 1) return;
  if (options.exchange != ExchangeKind::kEach) {
    throw ArgumentError(
        fmt::format("merge_threads is {} and the exchange is '{}', where Children are not merged one by one; "
                    "give 1, or choose 'each'",
                    threads, exchange_name(options.exchange)));
  }
  if (options.merge_rule || options.merge_method) {
    const std::string rule = options.merge_method
                                 ? fmt::format("merge_method is '{}'", options.merge_method->name())
                                 : "a merge_rule is given";
    throw ArgumentError(fmt::format(
        "merge_threads is {} and {}, which needs all weights for itself; give 1, or merge by the average",
        threads, rule));
  }
}

ParentOptions checked(ParentOptions options, const ParameterLayout& layout,
                      const std::vector<float>& weights) {
  check_mixing_weight(options.alpha, "alpha");
  check_limits(options.limits);
  check_security(options.security, options.listen);
  check_backoff(options.backoff_min, options.backoff_max);
  check_peer_name(options.name, "the Parent's name");
  if (options.run_id.empty()) options.run_id = new_run_id();
  check_peer_name(options.run_id, "run_id");
  if (options.listen.empty() && options.connect.empty()) {
    throw ArgumentError("a Parent needs an endpoint; give at least one in listen or connect");
  }
  check_merge_threads(options);
  check_population(options, layout);
  check_rate(options.max_norm_growth, "max_norm_growth");
  if (options.quarantine_min < Milliseconds::zero() || options.quarantine_max < options.quarantine_min) {
    throw ArgumentError(fmt::format(
        "quarantine_min is {} ms and quarantine_max {} ms; give 0 (none) or more, and no less for the second",
        options.quarantine_min.count(), options.quarantine_max.count()));
  }
  if (options.epoch > kMaxEpoch) {
    throw ArgumentError(fmt::format("epoch is {}; at most {} is possible", options.epoch, kMaxEpoch));
  }
  if (options.statistics.components() > kMaxStatisticsComponents) {
    throw ArgumentError(fmt::format("statistics have {} components; at most {} are possible",
                                    options.statistics.components(), kMaxStatisticsComponents));
  }
  if (options.first_update > kMaxJsonInteger) {
    throw ArgumentError(fmt::format("first_update is {}; at most 2^53-1 is possible", options.first_update));
  }
  check_round_options(options.rounds);
  if (options.exchange != ExchangeKind::kEach && options.merge_rule) {
    throw ArgumentError(fmt::format(
        "merge_rule is given and the exchange is '{}'; a rule merges one Child at a time, so give it "
        "with 'each', or choose an outer_optimizer with 'rounds'",
        exchange_name(options.exchange)));
  }
  if (options.merge_rule && options.merge_method) {
    throw ArgumentError(fmt::format("merge_rule and merge_method '{}' are both given; give one of them",
                                    options.merge_method->name()));
  }
  if (options.merge_method &&
      (options.exchange == ExchangeKind::kSegments || options.exchange == ExchangeKind::kPopulation ||
       (options.exchange == ExchangeKind::kRounds && !options.merge_method->combines_rounds()))) {
    throw ArgumentError(fmt::format("merge_method '{}' is given and the exchange is '{}'; give it with '{}'",
                                    options.merge_method->name(), exchange_name(options.exchange),
                                    options.merge_method->combines_rounds() ? "each' or 'rounds" : "each"));
  }
  if (options.average_moments && options.exchange != ExchangeKind::kRounds) {
    throw ArgumentError(fmt::format(
        "average_moments is set and the exchange is '{}', in which only weights are merged; leave "
        "average_moments out, or choose 'rounds'",
        exchange_name(options.exchange)));
  }
  if (options.rounds.apart_from_steps > 0) {
    const auto refuse = [&](const std::string& what) {
      throw ArgumentError(fmt::format("rounds.apart_from_steps is {} and {}; leave one of the two out",
                                      options.rounds.apart_from_steps, what));
    };
    if (options.exchange != ExchangeKind::kRounds)
      refuse(fmt::format("the exchange is '{}', in which no rounds are averaged",
                         exchange_name(options.exchange)));
    if (options.merge_method) refuse("there is a merge method, and Children apart have a plain mean");
    if (options.average_moments) refuse("average_moments is set, and Children apart keep their moments");
  }
  if (const std::size_t size = options.moments.shape().size; size > kMostMomentsOfWeight * layout.size()) {
    throw ArgumentError(
        fmt::format("moments are {} numbers, and the layout has {} weights; give those of this network", size,
                    layout.size()));
  }
  if (options.exchange == ExchangeKind::kSegments &&
      (options.segments.round_steps < 1 || options.segments.round_steps > kMostRoundSteps)) {
    throw ArgumentError(fmt::format("segments.round_steps is {}; expected 1 to {}",
                                    options.segments.round_steps, kMostRoundSteps));
  }
  if (options.exchange == ExchangeKind::kSegments && options.segments.mode == ActorMode::kAsynchronous &&
      (options.segments.queued_rounds < 1 || options.segments.queued_rounds > kMostQueuedRounds)) {
    throw ArgumentError(fmt::format("segments.queued_rounds is {}; expected 1 to {}",
                                    options.segments.queued_rounds, kMostQueuedRounds));
  }
  if (options.exchange == ExchangeKind::kSegments) check_queue_bytes(options.segments);
  if (const std::size_t size = options.outer_optimizer.size(); size > 0 && size != layout.size()) {
    throw ArgumentError(fmt::format(
        "outer_optimizer has a memory of {} weights, and the layout {}; give that of this network", size,
        layout.size()));
  }
  if (weights.size() != layout.size()) {
    throw ArgumentError(
        fmt::format("the Parent got {} weights; its layout has {}", weights.size(), layout.size()));
  }
  if (const std::size_t bad = first_non_finite(weights); bad != weights.size()) {
    throw ArgumentError(
        fmt::format("the Parent's weights must be finite; element {} is {}", bad, weights[bad]));
  }
  return options;
}

HostOptions host_options(const ParentOptions& options) {
  HostOptions host;
  const RoleWords words = role_words(options.exchange);
  host.who = words.parent;
  host.peer = words.the_child;
  host.listen = options.listen;
  host.connect = options.connect;
  host.limits = options.limits;
  host.security = options.security;
  host.backoff_min = options.backoff_min;
  host.backoff_max = options.backoff_max;
  host.max_pending = kMaxHandshakes;
  return host;
}

}  // namespace

class Parent::Impl final : private LinkHostOwner, private ParentSessionOwner {
 public:
  Impl(ParentOptions options, ParameterLayout layout, std::vector<float> weights)
      : options_(checked(std::move(options), layout, weights)),
        layout_(std::move(layout)),
        state_(options_, layout_, std::move(weights)),
        quarantine_(options_.quarantine_min, options_.quarantine_max),
        numbers_(options_.epoch),
        host_(host_options(options_), *this),
        lateness_timer_(host_.context()),
        round_timer_(host_.context()) {}

  ~Impl() override {
    host_.shut_down(state_.takes_segments() ? "the learner stopped" : "the Parent stopped");
  }

  void on_update(std::function<void(const ParentUpdate&)> observer) {
    const std::lock_guard lock(mutex_);
    if (started_) throw ArgumentError("Parent::on_update must be called before start()");
    observer_ = std::move(observer);
  }

  void start() {
    const std::lock_guard lock(mutex_);
    if (started_) throw ArgumentError("Parent::start() was already called; make a new Parent");
    // A Parent that cannot listen starts no thread.
    host_.bind();
    if (options_.merge_threads > 1 && !pool_)
      pool_.emplace(options_.merge_threads, [this] { host_.post([this] { pool_->deliver(); }); });
    host_.start();
    started_ = true;
  }

  std::vector<std::uint16_t> ports() const { return host_.ports(); }
  void stop(const std::string& reason) {
    host_.stop(reason);
    {
      const std::lock_guard lock(segments_mutex_);
      stopped_ = true;
    }
    segments_ready_.notify_all();
  }

  std::optional<SegmentRound> take_segments(Milliseconds span) {
    std::unique_lock lock(segments_mutex_);
    segments_ready_.wait_for(lock, span, [this] { return closed_round_ || stopped_; });
    if (stopped_ || !closed_round_) return std::nullopt;
    is_taken_ = true;
    return std::exchange(closed_round_, {});
  }

  void publish(std::span<const float> weights, std::uint64_t run_steps) {
    if (weights.size() != layout_.size()) {
      throw ArgumentError(
          fmt::format("{} weights are published; the layout has {}", weights.size(), layout_.size()));
    }
    if (const std::size_t bad = first_non_finite(weights); bad != weights.size()) {
      throw ArgumentError(
          fmt::format("the weights that are published must be finite; element {} is {}", bad, weights[bad]));
    }
    {
      const std::lock_guard lock(segments_mutex_);
      if (!std::exchange(is_taken_, false)) {
        throw ArgumentError(
            "publish() was called without a round that was taken; call take_segments() first");
      }
    }
    host_.post([this, run_steps, copy = std::vector<float>(weights.begin(), weights.end())]() mutable {
      publish_here(copy, run_steps);
    });
  }

  bool change_weights(std::span<const float> from, std::span<const float> to) {
    for (const auto& [name, values] : {std::pair("from", from), std::pair("to", to)}) {
      if (values.size() != layout_.size()) {
        throw ArgumentError(fmt::format("change_weights() got {} weights in '{}'; the layout has {}",
                                        values.size(), name, layout_.size()));
      }
      if (const std::size_t bad = first_non_finite(values); bad != values.size()) {
        throw ArgumentError(fmt::format("change_weights() expects finite weights; element {} of '{}' is {}",
                                        bad, name, values[bad]));
      }
    }
    return run_between_merges([=, this] { state_.change(from, to); });
  }

  bool write_statistics(std::uint64_t stream, const RunningStatistics& statistics) {
    if (const std::string objection = state_.objection(statistics); !objection.empty())
      throw ArgumentError(fmt::format("write_statistics() got statistics with a fault: {}", objection));
    return run_between_merges([&] { state_.set_statistics(stream, statistics); });
  }

  const ParentOptions& options() const override { return options_; }
  const ParameterLayout& layout() const override { return layout_; }

  ParentStatus status() const {
    ParentStatus status = state_.status();
    if (!state_.queues_segments()) return status;
    const std::lock_guard lock(segments_mutex_);
    if (!closed_round_) return status;
    for (const SegmentContribution& given : closed_round_->contributions) {
      status.rounds.queued_steps += given.batch.steps;
    }
    return status;
  }
  std::vector<float> weights() const { return state_.weights(); }
  StreamStatistics statistics() const { return state_.statistics(); }
  OuterOptimizer outer_optimizer() const { return state_.outer_optimizer(); }
  AveragedMoments moments() const { return state_.moments(); }
  std::unique_ptr<MergeMethod> merge_method() const { return state_.merge_method(); }
  Population population() const { return state_.population(); }

 private:
  /// Runs `action` on the io thread, waits for its end, and throws what it has thrown. Before start() nobody
  /// merges, so it runs here. False, without having run it, when the thread has ended.
  template <typename Action>
  bool run_between_merges(const Action& action) {
    constexpr Milliseconds kLook{20};
    {
      const std::lock_guard lock(mutex_);
      if (!started_) {
        action();
        return true;
      }
    }
    auto task = std::make_shared<std::packaged_task<void()>>(std::cref(action));
    auto done = task->get_future();
    host_.post([task] { (*task)(); });
    while (done.wait_for(kLook) != std::future_status::ready) {
      // Looked at once more: it may have been the last that ran.
      if (host_.has_ended() && done.wait_for(Milliseconds(0)) != std::future_status::ready) return false;
    }
    done.get();
    return true;
  }

  // For the host; on the io thread.

  std::shared_ptr<HostedSession> make_session(std::uint64_t connection) override {
    ParentSessionOwner& owner = *this;
    return std::make_shared<ParentSession>(owner, host_, connection);
  }

  void connection_refused(const asio::ip::address& from, const std::string& reason) override {
    state_.peer_refused(reason, PeerFault::kConnections);
    warnings_.warn(
        fmt::format("{}: a connection from {} was closed: {}", words_.parent, from.to_string(), reason));
  }

  void dial_failed(const std::string& reason) override {
    log(LogLevel::kDebug, "{}: {}", words_.parent, reason);
  }

  void set_going() override {
    if (!watching_lateness_) watch_lateness();
    round_changed();
  }

  /// Nothing is done about a Child that is late: slow is not dead, and the link's own deadlines find the
  /// dead.
  void watch_lateness() {
    lateness_timer_.expires_after(kLatenessLook);
    lateness_timer_.async_wait([this](ErrorCode error) {
      watching_lateness_ = false;
      if (error || host_.ending()) return;
      for (const Lateness& late : state_.become_late(options_.limits.idle_timeout)) {
        log(LogLevel::kWarning,
            "{}: {} '{}' is late: its rounds take {:.3g} s, nothing for {:.3g} s; the link is alive",
            words_.parent, words_.child, late.child, late.round, late.silence);
      }
      watch_lateness();
    });
    watching_lateness_ = true;
  }

  // For the sessions; on the io thread.

  ParentState& state() override { return state_; }
  MergePool* merge_pool() override { return pool_ ? &*pool_ : nullptr; }
  std::uint64_t epoch() const override { return numbers_.epoch(); }
  std::optional<std::uint64_t> next_session_number() override { return numbers_.next(); }
  Milliseconds quarantine_left(const std::string& offender) const override {
    return quarantine_.left(offender, Clock::now());
  }
  Milliseconds quarantine(const std::string& offender) override {
    return quarantine_.punish(offender, Clock::now());
  }
  void warn(const std::string& about, const std::string& text) override { warnings_.warn(about, text); }

  void detach_session(std::uint64_t session, const std::string& own_name) override {
    host_.for_each_session([&](HostedSession& hosted) {
      // make_session() makes no others.
      auto& other = static_cast<ParentSession&>(hosted);
      if (!other.joined() || other.session() != session || other.own_name() != own_name) return;
      try {
        other.hand_over();
      } catch (const std::exception&) {
        // Nobody would look after it any more.
        other.abandon();
        throw;
      }
    });
  }

  void session_merged(const ParentUpdate& update) override {
    if (!observer_) return;
    try {
      observer_(update);
    } catch (const std::exception& error) {
      log(LogLevel::kError, "parent: the on_update observer threw at update {}: {}", update.update,
          error.what());
    } catch (...) {
      log(LogLevel::kError, "parent: the on_update observer threw at update {}", update.update);
    }
  }

  /// A round that is over is merged, and one that is not is looked at again at its deadline. Without any
  /// contribution there is nothing to wait for.
  void round_changed() override {
    // The Children leave one after the other then: what they had contributed is not merged in parts.
    if (host_.ending()) return;
    if (state_.queues_segments()) {
      take_from_queue();
      return;
    }
    if (state_.is_round_over()) {
      if (state_.takes_segments()) {
        close_round();
      } else {
        merge_round();
      }
    }
    // It is looked at again when what is learnt now is published.
    if (state_.is_learning()) return;
    const auto deadline = state_.round_deadline();
    if (!deadline || (round_timer_due_ && *round_timer_due_ <= *deadline)) return;
    round_timer_.expires_at(*deadline);
    round_timer_due_ = *deadline;
    round_timer_.async_wait([this](ErrorCode error) {
      // Set to another time: the other wait comes back later.
      if (error) return;
      round_timer_due_.reset();
      round_changed();
    });
  }

  /// Actors that do not wait for the end of the round are answered when they are in the queue.
  void take_from_queue() {
    for (bool is_over = true; is_over;) {
      state_.fill_queue();
      answer_round();
      is_over = state_.is_round_over();
      // That makes room.
      if (is_over) close_round();
    }
  }

  void close_round() {
    {
      SegmentRound round = state_.take_segments();
      const std::lock_guard lock(segments_mutex_);
      closed_round_ = std::move(round);
    }
    segments_ready_.notify_all();
  }

  void publish_here(std::vector<float>& weights, std::uint64_t run_steps) {
    if (host_.ending() || !state_.is_learning()) return;
    state_.publish(weights, run_steps);
    GENKIDAMA_FAILPOINT("learner_published");
    answer_round();
    round_changed();
  }

  /// Sends the weights to all that wait, but for those whose contribution is in the next round already.
  void answer_round() {
    host_.for_each_session([&](HostedSession& hosted) {
      auto& session = static_cast<ParentSession&>(hosted);
      if (!session.waits() || state_.has_contributed(session.session())) return;
      try {
        session.answer_round();
      } catch (const std::exception&) {
        // It has waited for nothing, and makes its link anew.
        session.abandon();
      }
    });
  }

  void merge_round() {
    const RoundMergeReport report = state_.merge_round();
    if (!report.failure.empty()) {
      log(LogLevel::kError, "parent: {}", report.failure);
      const bool by_rule = report.failure.starts_with("the merge rule");
      host_.end_all(by_rule ? "the Parent's merge rule failed" : "the Parent's outer optimizer failed");
      return;
    }
    if (report.goes_apart) {
      log(LogLevel::kInfo, "parent: from update {} on the Children train apart; its weights are their mean",
          state_.updates());
    }
    GENKIDAMA_FAILPOINT("parent_merged");
    answer_round();
    GENKIDAMA_FAILPOINT("parent_answered");
    for (const Lateness& late : report.were_late) {
      log(LogLevel::kInfo, "parent: child '{}' is back after {:.3g} s", late.child, late.silence);
    }
    session_merged(update_of(report));
  }

  ParentUpdate update_of(const RoundMergeReport& report) const {
    ParentUpdate update;
    update.update = state_.updates();
    update.contributions = report.contributions;
    double returns = 0;
    for (const RoundContribution& each : report.contributions) {
      update.since_merge += each.since_merge;
      update.staleness = std::max(update.staleness, each.staleness);
      returns += each.mean_return * static_cast<double>(each.since_merge.episodes);
    }
    const std::uint64_t episodes = update.since_merge.episodes;
    if (episodes > 0) update.mean_return = returns / static_cast<double>(episodes);
    update.weights = state_.current();
    update.waited_seconds = report.waited_seconds;
    update.outer_optimizer = &state_.current_outer_optimizer();
    update.moments = &state_.current_moments();
    update.movement = report.movement;
    update.merge_method = state_.current_merge_method();
    return update;
  }

  /// At once, not after the handler that runs now: a link that is told to close hands over nothing more, so
  /// no weights are merged by a rule that has failed.
  void rule_failed(const std::string& failure) override {
    log(LogLevel::kError, "parent: {}", failure);
    // The rest is none of the Children's business.
    host_.end_all("the Parent's merge rule failed");
  }

  const ParentOptions options_;
  const RoleWords words_ = role_words(options_.exchange);
  const ParameterLayout layout_;
  ParentState state_;
  std::mutex mutex_;  // on_update and start against one another
  bool started_ = false;
  std::function<void(const ParentUpdate&)> observer_;  // from start() on the io thread's

  // Rounds of segments, on their way to the thread that learns.
  mutable std::mutex segments_mutex_;
  std::condition_variable segments_ready_;
  std::optional<SegmentRound> closed_round_;
  bool is_taken_ = false, stopped_ = false;

  // The io thread's.
  Quarantine quarantine_;
  SessionNumbers numbers_;
  QuietLog warnings_;
  bool watching_lateness_ = false;
  std::optional<Clock::time_point> round_timer_due_;

  LinkHost host_;
  asio::steady_timer lateness_timer_, round_timer_;  // after host_, whose context they use
  // After host_ as well: what it still does, it does for sessions of the host.
  std::optional<MergePool> pool_;
};

Parent::Parent(ParentOptions options, ParameterLayout layout, std::vector<float> weights)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(layout), std::move(weights))) {}

Parent::~Parent() = default;

void Parent::on_update(std::function<void(const ParentUpdate&)> observer) {
  impl_->on_update(std::move(observer));
}

void Parent::start() {
  impl_->start();
}

std::vector<std::uint16_t> Parent::ports() const {
  return impl_->ports();
}

void Parent::stop(const std::string& reason) {
  impl_->stop(reason);
}

std::optional<SegmentRound> Parent::take_segments(Milliseconds span) {
  return impl_->take_segments(span);
}

void Parent::publish(std::span<const float> weights, std::uint64_t run_steps) {
  impl_->publish(weights, run_steps);
}

bool Parent::change_weights(std::span<const float> from, std::span<const float> to) {
  return impl_->change_weights(from, to);
}

bool Parent::write_statistics(std::uint64_t stream, const RunningStatistics& statistics) {
  return impl_->write_statistics(stream, statistics);
}

const ParentOptions& Parent::options() const {
  return impl_->options();
}

const ParameterLayout& Parent::layout() const {
  return impl_->layout();
}

ParentStatus Parent::status() const {
  return impl_->status();
}

StreamStatistics Parent::statistics() const {
  return impl_->statistics();
}

OuterOptimizer Parent::outer_optimizer() const {
  return impl_->outer_optimizer();
}

AveragedMoments Parent::moments() const {
  return impl_->moments();
}

std::unique_ptr<MergeMethod> Parent::merge_method() const {
  return impl_->merge_method();
}

Population Parent::population() const {
  return impl_->population();
}

std::vector<float> Parent::weights() const {
  return impl_->weights();
}

}  // namespace genkidama
