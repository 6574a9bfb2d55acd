#include "genkidama/net/child.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/version.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/wire/protocol.h"
#include "net/check_options.h"
#include "net/child/child_exchange.h"
#include "net/child/child_mailbox.h"
#include "net/child/child_session.h"
#include "net/host/admission.h"
#include "net/host/dialer.h"
#include "net/host/io_thread.h"
#include "net/host/listener.h"
#include "net/host/session_map.h"
#include "net/link/tls.h"
#include "net/pace.h"
#include "net/quiet_log.h"

namespace genkidama {
namespace {

// An exchange may take so many times twice as long as expected, if those before it came to nothing.
constexpr int kMostDoublings = 2;
// Links in a row on which a Parent must have refused this Child's network or protocol before it is believed:
// without TLS a bit that was flipped on the way can make a sound hello look like another one's.
constexpr int kBelievedRefusals = 3;
// Of the hello's `resume`, with the longest numbers.
constexpr std::size_t kMaxResumeBytes = 128;

ChildOptions checked(ChildOptions options) {
  check_mixing_weight(options.beta, "beta");
  check_limits(options.limits);
  const std::vector<Endpoint> listen(options.listen ? 1 : 0, options.listen.value_or(Endpoint{}));
  check_security(options.security, listen);
  check_backoff(options.backoff_min, options.backoff_max);
  check_peer_name(options.name, "the Child's name");
  if (options.connect.has_value() == options.listen.has_value()) {
    throw ArgumentError(fmt::format("a Child needs exactly one of connect and listen; {} given",
                                    options.connect ? "both were" : "none was"));
  }
  if (options.resume &&
      (options.resume->session > kMaxJsonInteger || options.resume->sequence > kMaxJsonInteger ||
       (!options.resume->run_id.empty() && !valid_peer_name(options.resume->run_id)))) {
    throw ArgumentError("resume is not what a ChildProgress told: its run_id or its numbers are impossible");
  }
  if (options.join_timeout <= Milliseconds::zero() || options.exchange_timeout <= Milliseconds::zero()) {
    throw ArgumentError("join_timeout and exchange_timeout must be at least 1 ms");
  }
  return options;
}

LinkSettings link_settings(const ChildOptions& options) {
  const bool dials = options.connect && options.connect->tls;
  const bool listens = options.listen && !options.security.tls.certificate.empty();
  return {options.limits, options.security, load_tls(options.security.tls, listens, dials), "Parent"};
}

}  // namespace

class Child::Impl final : public ChildSessionOwner, public ChildWire {
 public:
  Impl(ChildOptions options, LocalTrainer& trainer)
      : options_(checked(std::move(options))),
        trainer_(trainer),
        layout_(trainer.layout()),
        exchange_(options_, trainer_, mailbox_, *this),
        link_(std::make_shared<LinkSettings>(link_settings(options_))),
        admission_(options_.limits) {
    hello_.name = options_.name;
    hello_.library = std::string("genkidama ") + kVersion;
    hello_.layout = layout_;
    if (options_.resume && !options_.resume->run_id.empty()) {
      hello_.run_id = options_.resume->run_id;
      hello_.environment_steps = std::min(options_.resume->environment_steps, kMaxJsonInteger);
      hello_.resume = SessionMark{options_.resume->session, options_.resume->sequence};
    }
    if (const std::size_t bytes = encode_message(hello_).size() + kMaxNameBytes + kMaxResumeBytes;
        bytes > options_.limits.max_control_bytes || layout_.tensors().size() > kMaxTensors) {
      throw ArgumentError(
          fmt::format("this network has {} tensors and its description {} bytes; at most {} and "
                      "max_control_bytes, {}, are possible",
                      layout_.tensors().size(), bytes, kMaxTensors, options_.limits.max_control_bytes));
    }
  }

  ~Impl() override {
    try {
      shut_down("the Child was destroyed");
    } catch (const std::exception&) {
      // Out of memory: an end without a word to the Parent.
      io_.finish();
      io_.join();
    }
  }

  void start() {
    if (options_.listen && !listener_)
      listener_ = std::make_shared<Listener>(io_.context(), *options_.listen);
  }

  std::uint16_t port() const { return listener_ ? listener_->port() : std::uint16_t{0}; }

  void request_stop() { mailbox_.request_stop(); }

  const ChildProgress& progress() const { return progress_; }

  std::string run(const std::function<bool(const ChildProgress&)>& keep_going) {
    if (std::exchange(ran_, true)) throw ArgumentError("Child::run() was already called; make a new Child");
    start();
    io_.on_failure([this] { go_on(); });
    io_.post([this] { begin(); });
    io_.start();
    try {
      const std::string reason = train(keep_going);
      shut_down(reason);
      return reason;
    } catch (const std::exception& error) {
      shut_down(fmt::format("the Child failed: {}", error.what()));
      throw;
    } catch (...) {
      shut_down("the Child failed");
      throw;
    }
  }

 private:
  // The training thread.

  std::string train(const std::function<bool(const ChildProgress&)>& keep_going) {
    if (const auto reason = join()) return *reason;
    for (;;) {
      train_round();
      const bool wanted = !keep_going || keep_going(progress_);
      if (wanted && !over()) continue;
      if (options_.overlap) {
        progress_.exchanges += exchange_.finish_overlapped(progress_);
        take_note();
      }
      // Looked at once more: what came last may have been a refusal.
      return over().value_or("the Child's program ended the training");
    }
  }

  void train_round() {
    ChildProgress& progress = progress_;
    progress.round = trainer_.train_round();
    ++progress.rounds;
    progress.environment_steps += progress.round.environment_steps;
    progress.episodes += progress.round.episodes.size();
    progress.connected =
        options_.overlap ? exchange_.exchange_overlapped(progress) : exchange_.exchange(progress);
    if (progress.connected) ++progress.exchanges;
    take_note();
  }

  void take_note() {
    progress_.reconnects = std::max<std::uint64_t>(mailbox_.joins(), 1) - 1;
    progress_.merges = mailbox_.merges();
    progress_.session = exchange_.session();
  }

  /// A reason when the run is over before it began.
  std::optional<std::string> join() {
    const auto outcome = mailbox_.wait_joined(Deadline::after(options_.join_timeout));
    if (outcome == ChildMailbox::Outcome::kOver) return over();
    if (outcome != ChildMailbox::Outcome::kReady) {
      throw IoError(fmt::format("no Parent within {} ms {}: {}", options_.join_timeout.count(), where(),
                                mailbox_.last_failure()));
    }
    exchange_.begin();
    return std::nullopt;
  }

  /// Why run() must return now, if it must; throws when the Parent refused this Child.
  std::optional<std::string> over() const {
    if (const auto refusal = mailbox_.refusal()) {
      if (refusal->code == RefusalCode::kLayout) {
        throw LayoutError("the Parent refused this network: " + refusal->reason);
      }
      throw IoError(fmt::format("the Parent refused this Child ({}): {}", refusal_code_text(refusal->code),
                                refusal->reason));
    }
    if (const auto reason = mailbox_.end_reason()) return "the Parent ended the run: " + *reason;
    if (mailbox_.stop_requested()) return "stop requested";
    return std::nullopt;
  }

  void send(OutgoingWeights out) override {
    io_.post([this, out = std::move(out)] {
      if (!current_ || out.generation != current_generation_) return;
      steps_sent_ = out.header.environment_steps;
      unanswered_ = true;
      if (hello_.resume) hello_.resume->sequence = out.header.sequence;
      try {
        current_->send(out.header, out.weights);
      } catch (const std::exception&) {
        // The training thread waits for an answer, or for the end of the link.
        current_->abandon();
      }
    });
  }

  std::string where() const {
    return options_.connect ? "at " + options_.connect->text()
                            : fmt::format("connected to {} (port {})", options_.listen->text(), port());
  }

  void shut_down(const std::string& reason) {
    if (!io_.running()) return;
    // A string of its own, which can be moved: a copy on the way might want memory.
    io_.post([this, why = std::string(reason)] { leave_all(why); });
    io_.join();
  }

  // The io thread.

  /// After a handler failed: whatever it would have set going, or ended.
  void go_on() {
    for_each_session(sessions_, [this](auto& session) {
      if (leaving_) {
        session.abandon();
      } else {
        session.drop_if_lost();
      }
    });
    if (leaving_ && sessions_.empty()) io_.finish();
    begin();
  }

  /// Also where it was not finished, or something has stopped since.
  void begin() {
    if (leaving_) return;
    if (listener_) {
      listener_->start([] { return true; }, [this](tcp::socket socket) { accepted(std::move(socket)); });
    } else {
      if (!dialer_) {
        dialer_ = std::make_shared<Dialer>(
            io_.context(), *options_.connect,
            Dialer::Timing{options_.limits.connect_timeout, options_.backoff_min, options_.backoff_max});
      }
      dialer_->start([this](tcp::socket socket) { open(std::move(socket)); },
                     [this](const std::string& reason) {
                       mailbox_.failed(reason);
                       log(LogLevel::kDebug, "child '{}': {}", options_.name, reason);
                     });
    }
  }

  void accepted(tcp::socket socket) {
    const auto from = remote_address(socket);
    if (const auto objection = admission_.objection(from, sessions_)) {
      warnings_.warn(fmt::format("child '{}': a connection from {} was closed: {}", options_.name,
                                 from.to_string(), *objection));
    } else {
      open(std::move(socket));
    }
  }

  void open(tcp::socket socket) {
    const auto session = std::make_shared<ChildSession>(*this, link_, layout_, mailbox_);
    start_session(sessions_, session.get(), session, std::move(socket),
                  dialer_ ? std::optional(dialer_->endpoint()) : std::nullopt);
  }

  bool taken() const override { return current_ != nullptr; }

  HelloMessage make_hello() const override { return hello_; }

  void session_welcomed() override { refused_hellos_ = 0; }

  void session_refused(const RefuseMessage& refusal, bool welcomed) override {
    const int in_a_row = welcomed ? ++refused_messages_ : ++refused_hellos_;
    if (in_a_row >= kBelievedRefusals) {
      mailbox_.refused(refusal);
      if (dialer_) dialer_->stop();
      return;
    }
    warnings_.warn(
        fmt::format("child '{}': the Parent {} refused this Child ({}, {} of {} times in a row, and "
                    "it tries again): {}",
                    options_.name, where(), refusal_code_text(refusal.code), in_a_row, kBelievedRefusals,
                    refusal.reason));
    if (dialer_) dialer_->answered();
  }

  JoinedSession session_joined(ChildSession& session, const WelcomeMessage& welcome) override {
    current_ = &session;
    current_generation_ = mailbox_.joins() + 1;
    JoinedSession joined;
    joined.run_id = welcome.run_id;
    joined.session = welcome.session;
    joined.sequence = welcome.sequence.value_or(0);
    joined.resumed = welcome.sequence.has_value();
    const bool is_latest = joined.resumed && hello_.resume && hello_.resume->session == joined.session;
    joined.merged_unanswered =
        std::exchange(unanswered_, false) && is_latest && joined.sequence >= hello_.resume->sequence;
    if (joined.merged_unanswered) count_steps();
    hello_.run_id = welcome.run_id;
    hello_.resume = SessionMark{joined.session, joined.sequence};
    log(LogLevel::kInfo, "child '{}': joined '{}' (run {}, update {}, {} session {})", options_.name,
        welcome.name, welcome.run_id, welcome.update, joined.resumed ? "again" : "new", joined.session);
    return joined;
  }

  Clock::duration patience() const override {
    return exchange_pace_.allowance(Clock::duration(options_.exchange_timeout)) *
           (1 << std::min(unanswered_in_a_row_, kMostDoublings));
  }

  Clock::duration least_patience() const override { return options_.exchange_timeout; }

  void session_answered(Clock::duration span) override {
    exchange_pace_.add(span);
    unanswered_in_a_row_ = 0;
    unanswered_ = false;
    refused_messages_ = 0;
    count_steps();
    if (dialer_) dialer_->succeeded();
  }

  /// Pace knows nothing of an exchange that was given up.
  void session_unanswered() override { ++unanswered_in_a_row_; }

  void session_broken() override { hello_.resume.reset(); }

  /// What was sent last is in the Parent's sum.
  void count_steps() { hello_.environment_steps = std::min(steps_sent_, kMaxJsonInteger); }

  void session_closed(ChildSession& session, const std::string& reason) override {
    const bool was_joined = current_ == &session;
    if (was_joined) current_ = nullptr;
    try {
      if (was_joined) {
        log(LogLevel::kInfo, "child '{}': the link is gone: {}", options_.name, reason);
      } else {
        mailbox_.failed(reason);
        // What trying again will hardly mend, unless somebody hears of it.
        if (session.fault() != PeerFault::kNone && !leaving_) {
          warnings_.warn(fmt::format("child '{}': no link {}: {}", options_.name, where(), reason));
        }
      }
    } catch (const std::exception&) {
      // Out of memory: it goes without a word.
    }
    sessions_.erase(&session);
    if (leaving_) {
      if (sessions_.empty()) io_.finish();
    } else if (dialer_) {
      dialer_->retry();
    }
  }

  void leave_all(const std::string& reason) {
    leaving_ = true;
    if (listener_) listener_->stop();
    if (dialer_) dialer_->stop();
    for_each_session(sessions_, [&reason](auto& session) {
      try {
        session.leave(reason);
      } catch (const std::exception&) {
        session.abandon();
      }
    });
    if (sessions_.empty()) io_.finish();
  }

  const ChildOptions options_;
  LocalTrainer& trainer_;
  const ParameterLayout layout_;
  ChildMailbox mailbox_;
  bool ran_ = false;

  // The training thread's.
  ChildExchange exchange_;
  ChildProgress progress_;

  IoThread io_;
  // Only the io thread uses these once it runs. After io_: they must go before it.
  const std::shared_ptr<const LinkSettings> link_;
  Admission admission_;
  QuietLog warnings_;
  std::shared_ptr<Listener> listener_;
  std::shared_ptr<Dialer> dialer_;
  std::map<ChildSession*, std::shared_ptr<ChildSession>> sessions_;
  ChildSession* current_ = nullptr;
  std::uint64_t current_generation_ = 0, steps_sent_ = 0;
  bool unanswered_ = false;  // what was sent last
  Pace exchange_pace_;
  int unanswered_in_a_row_ = 0;
  // In a row: of the hello, and of what came after one that was taken.
  int refused_hellos_ = 0, refused_messages_ = 0;
  HelloMessage hello_;
  bool leaving_ = false;
};

Child::Child(ChildOptions options, LocalTrainer& trainer)
    : impl_(std::make_unique<Impl>(std::move(options), trainer)) {}

Child::~Child() = default;

void Child::start() {
  impl_->start();
}

std::uint16_t Child::port() const {
  return impl_->port();
}

std::string Child::run(const std::function<bool(const ChildProgress&)>& keep_going) {
  return impl_->run(keep_going);
}

const ChildProgress& Child::progress() const {
  return impl_->progress();
}

void Child::request_stop() {
  impl_->request_stop();
}

}  // namespace genkidama
