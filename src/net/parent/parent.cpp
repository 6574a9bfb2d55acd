#include "genkidama/net/parent.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/wire/protocol.h"
#include "net/check_options.h"
#include "net/host/admission.h"
#include "net/host/dialer.h"
#include "net/host/io_thread.h"
#include "net/host/listener.h"
#include "net/host/session_map.h"
#include "net/link/tls.h"
#include "net/parent/parent_session.h"
#include "net/parent/parent_state.h"

namespace genkidama {
namespace {

// Each may hold max_control_bytes before anything is known about it.
constexpr std::size_t kMaxHandshakes = 256;
constexpr Milliseconds kPaceWatch{1'000};

std::string make_run_id() {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  return fmt::format("{:x}-{:08x}", seconds, std::random_device{}());
}

ParentOptions checked(ParentOptions options, const ParameterLayout& layout,
                      const std::vector<float>& weights) {
  check_mixing_weight(options.alpha, "alpha");
  check_limits(options.limits);
  check_security(options.security, options.listen);
  check_backoff(options.backoff_min, options.backoff_max);
  check_peer_name(options.name, "the Parent's name");
  if (options.run_id.empty()) options.run_id = make_run_id();
  check_peer_name(options.run_id, "run_id");
  if (options.listen.empty() && options.connect.empty()) {
    throw ArgumentError("a Parent needs an endpoint; give at least one in listen or connect");
  }
  if (!(options.max_norm_growth >= 0)) {
    throw ArgumentError(
        fmt::format("max_norm_growth is {}; give 0 (no limit) or more", options.max_norm_growth));
  }
  if (options.quarantine_min < Milliseconds::zero() || options.quarantine_max < options.quarantine_min) {
    throw ArgumentError(fmt::format(
        "quarantine_min is {} ms and quarantine_max {} ms; give 0 (none) or more, and no less for the second",
        options.quarantine_min.count(), options.quarantine_max.count()));
  }
  if (options.epoch > kMaxEpoch) {
    throw ArgumentError(fmt::format("epoch is {}; at most {} is possible", options.epoch, kMaxEpoch));
  }
  if (options.first_update > kMaxJsonInteger) {
    throw ArgumentError(fmt::format("first_update is {}; at most 2^53-1 is possible", options.first_update));
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

LinkSettings link_settings(const ParentOptions& options) {
  const auto dials_tls = [](const Endpoint& endpoint) { return endpoint.tls; };
  const bool dials = std::any_of(options.connect.begin(), options.connect.end(), dials_tls);
  const bool listens = !options.listen.empty() && !options.security.tls.certificate.empty();
  return {options.limits, options.security, load_tls(options.security.tls, listens, dials), "Child"};
}

}  // namespace

class Parent::Impl {
 public:
  Impl(ParentOptions options, ParameterLayout layout, std::vector<float> weights)
      : options_(checked(std::move(options), layout, weights)),
        layout_(std::move(layout)),
        state_(options_, layout_, std::move(weights)),
        link_(std::make_shared<LinkSettings>(link_settings(options_))),
        quarantine_(options_.quarantine_min, options_.quarantine_max),
        numbers_(options_.epoch),
        context_{options_,
                 layout_,
                 state_,
                 quarantine_,
                 refusal_log_,
                 link_,
                 observer_,
                 numbers_,
                 [this](std::uint64_t session, const std::string& child) { free_session(session, child); },
                 [this](const std::string& failure) { fail(failure); }},
        pace_timer_(io_.context()),
        admission_(options_.limits) {}

  ~Impl() {
    try {
      stop("the Parent stopped");
    } catch (const std::exception&) {
      // Out of memory: an end without a word to anybody.
      io_.finish();
      io_.join();
    }
  }

  void on_update(std::function<void(const ParentUpdate&)> observer) {
    const std::lock_guard lock(lifecycle_);
    if (started_) throw ArgumentError("Parent::on_update must be called before start()");
    observer_ = std::move(observer);
  }

  void start() {
    const std::lock_guard lock(lifecycle_);
    if (started_) throw ArgumentError("Parent::start() was already called; make a new Parent");
    listeners_.clear();
    dialers_.clear();
    for (const Endpoint& endpoint : options_.listen) {
      listeners_.push_back(std::make_shared<Listener>(io_.context(), endpoint));
    }
    for (const Endpoint& endpoint : options_.connect) {
      dialers_.push_back(std::make_shared<Dialer>(
          io_.context(), endpoint,
          Dialer::Timing{options_.limits.connect_timeout, options_.backoff_min, options_.backoff_max}));
    }
    io_.on_failure([this] { go_on(); });
    io_.post([this] { begin(); });
    io_.start();
    started_ = true;
  }

  std::vector<std::uint16_t> ports() const {
    const std::lock_guard lock(lifecycle_);
    std::vector<std::uint16_t> ports;
    for (const auto& listener : listeners_) ports.push_back(listener->port());
    return ports;
  }

  void stop(const std::string& reason) {
    if (io_.is_current()) {
      // Called by the observer: the thread cannot wait for itself; the destructor will.
      post_end(reason);
      return;
    }
    const std::lock_guard lock(lifecycle_);
    if (!io_.running()) return;
    post_end(reason);
    io_.join();
  }

  ParentStatus status() const { return state_.status(); }
  std::vector<float> weights() const { return state_.weights(); }

 private:
  /// With a string of its own, which can be moved: a copy on the way might want memory.
  void post_end(const std::string& reason) {
    io_.post([this, why = std::string(reason)] { end_all(why); });
  }

  /// After a handler failed: whatever it would have set going, or ended.
  void go_on() {
    for_each_session(sessions_, [this](auto& session) {
      if (stopping_) {
        session.abandon();
      } else {
        session.drop_if_lost();
      }
    });
    if (stopping_ && sessions_.empty()) io_.finish();
    begin();
  }

  /// Also where it was not finished, or something has stopped since.
  void begin() {
    if (stopping_) return;
    for (const auto& listener : listeners_) {
      listener->start([this] { return pending() < kMaxHandshakes; },
                      [this](tcp::socket socket) { accepted(std::move(socket)); });
    }
    for (const auto& dialer : dialers_) {
      dialer->start([this, dialer = dialer.get()](tcp::socket socket) { open(std::move(socket), dialer); },
                    [](const std::string& reason) { log(LogLevel::kDebug, "parent: {}", reason); });
    }
    if (!watching_pace_) watch_pace();
  }

  /// Nothing is done about a Child that is late: slow is not dead, and the link's own deadlines find the
  /// dead.
  void watch_pace() {
    pace_timer_.expires_after(kPaceWatch);
    pace_timer_.async_wait([this](ErrorCode error) {
      watching_pace_ = false;
      if (error || stopping_) return;
      for (const Lateness& late : state_.become_late(options_.limits.idle_timeout)) {
        log(LogLevel::kWarning,
            "parent: child '{}' is late: its rounds take {:.3g} s, nothing for {:.3g} s; the link is alive",
            late.child, late.round, late.silence);
      }
      watch_pace();
    });
    watching_pace_ = true;
  }

  void free_session(std::uint64_t session, const std::string& child) {
    for (const auto& [connection, other] : sessions_) {
      if (other->joined() && other->session() == session && other->child() == child) {
        // It may remove itself from sessions_.
        const auto keep = other;
        try {
          keep->hand_over();
        } catch (const std::exception&) {
          // Nobody would look after it any more.
          keep->abandon();
          throw;
        }
        return;
      }
    }
  }

  /// At once, not after the handler that runs now: a link that is told to close hands over nothing more, so
  /// no weights are merged by a rule that has failed.
  void fail(const std::string& failure) {
    log(LogLevel::kError, "parent: {}", failure);
    // The rest is none of the Children's business.
    end_all("the Parent's merge rule failed");
  }

  std::size_t pending() const {
    return static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(),
                                                  [](const auto& entry) { return !entry.second->joined(); }));
  }

  void accepted(tcp::socket socket) {
    const auto from = remote_address(socket);
    if (const auto objection = admission_.objection(from, sessions_)) {
      state_.peer_refused(*objection, PeerFault::kConnections);
      refusal_log_.warn(
          fmt::format("parent: a connection from {} was closed: {}", from.to_string(), *objection));
      return;
    }
    open(std::move(socket), nullptr);
  }

  void open(tcp::socket socket, Dialer* dialer) {
    const std::uint64_t number = ++connections_;
    const auto session = std::make_shared<ParentSession>(
        context_, number,
        [dialer] {
          if (dialer != nullptr) dialer->succeeded();
        },
        [this, dialer](std::uint64_t closed) { connection_closed(closed, dialer); });
    start_session(sessions_, number, session, std::move(socket),
                  dialer != nullptr ? std::optional(dialer->endpoint()) : std::nullopt);
  }

  void connection_closed(std::uint64_t connection, Dialer* dialer) {
    const auto session = sessions_.find(connection);
    const bool refused = session != sessions_.end() && session->second->refused();
    sessions_.erase(connection);
    if (stopping_) {
      if (sessions_.empty()) io_.finish();
    } else if (dialer != nullptr) {
      // A Child believes a refusal only when it has come several times; it should not take minutes.
      if (refused) dialer->answered();
      dialer->retry();
    }
  }

  void end_all(const std::string& reason) {
    if (std::exchange(stopping_, true)) return;
    pace_timer_.cancel();
    for (const auto& listener : listeners_) listener->stop();
    for (const auto& dialer : dialers_) dialer->stop();
    for_each_session(sessions_, [&reason](auto& session) {
      try {
        session.end(reason);
      } catch (const std::exception&) {
        session.abandon();
      }
    });
    if (sessions_.empty()) io_.finish();
  }

  const ParentOptions options_;
  const ParameterLayout layout_;
  ParentState state_;
  std::function<void(const ParentUpdate&)> observer_;
  const std::shared_ptr<const LinkSettings> link_;
  QuietLog refusal_log_;    // of the io thread
  Quarantine quarantine_;   // of the io thread
  SessionNumbers numbers_;  // of the io thread
  const ParentContext context_;
  mutable std::mutex lifecycle_;  // start and stop against one another
  bool started_ = false;

  IoThread io_;
  // Only the io thread uses these once it runs. After io_: they must go before it.
  asio::steady_timer pace_timer_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<std::shared_ptr<Dialer>> dialers_;
  std::map<std::uint64_t, std::shared_ptr<ParentSession>> sessions_;  // by the number of the connection
  Admission admission_;
  std::uint64_t connections_ = 0;
  bool stopping_ = false, watching_pace_ = false;
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

ParentStatus Parent::status() const {
  return impl_->status();
}

std::vector<float> Parent::weights() const {
  return impl_->weights();
}

}  // namespace genkidama
