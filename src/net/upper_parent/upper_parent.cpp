#include "genkidama/net/upper_parent.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "net/child/check_child_options.h"
#include "net/child/child_exchange.h"
#include "net/child/child_links.h"
#include "net/child/child_mailbox.h"
#include "net/host/signals_blocked.h"
#include "net/upper_parent/merged_trainer.h"

namespace genkidama {
namespace {

UpperParentOptions checked(UpperParentOptions options, const Parent& parent) {
  options.link = checked_child_options(std::move(options.link));
  if (options.link.exchange == ExchangeKind::kSegments) {
    throw ArgumentError(
        "the exchange with the upper Parent is 'segments', in which a Child plays; expected 'each' or "
        "'rounds'");
  }
  if (parent.options().exchange == ExchangeKind::kSegments) {
    throw ArgumentError(
        "the Parent's exchange is 'segments', and it has no merges to take to an upper Parent; expected "
        "'each' or "
        "'rounds'");
  }
  for (const auto& [end, kind] : {std::pair("with the upper Parent", options.link.exchange),
                                  std::pair("of the Parent", parent.options().exchange)}) {
    if (kind != ExchangeKind::kPopulation) continue;
    throw ArgumentError(fmt::format(
        "the exchange {} is 'population', whose members are no means of others; expected 'each' or 'rounds'",
        end));
  }
  if (parent.options().rounds.apart_from_steps > 0) {
    throw ArgumentError(
        "the Parent's Children go apart (rounds.apart_from_steps), and its weights are nothing but their "
        "mean then; "
        "expected that of the topmost Parent only");
  }
  const auto refuse = [](const char* field) {
    throw ArgumentError(
        fmt::format("{} is set for the link to the upper Parent, where nobody trains; leave it out", field));
  };
  if (options.link.overlap) refuse("overlap");
  if (options.link.average_moments) refuse("average_moments");
  if (options.link.round_steps > 0) refuse("round_steps");
  return options;
}

}  // namespace

class UpperParent::Impl {
 public:
  Impl(UpperParentOptions options, Parent& parent)
      : options_(checked(std::move(options), parent)),
        parent_(parent),
        trainer_(parent),
        mailbox_(options_.link.exchange != ExchangeKind::kEach),
        links_(options_.link, trainer_.layout(), trainer_.own_statistics(), trainer_.policy_description(), {},
               {}, mailbox_, kUpperParentWords),
        exchange_(ChildExchange::make(options_.link, mailbox_, links_)) {}

  ~Impl() { stop("the Parent below stopped"); }

  void start() {
    const std::lock_guard lock(lifecycle_);
    if (thread_.joinable() || is_stopped_)
      throw ArgumentError("UpperParent::start() was already called; make a new UpperParent");
    links_.start();
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
  }

  bool joined(Milliseconds span) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, span, [this] { return joined_ || over_ || failure_; });
    if (failure_) std::rethrow_exception(failure_);
    return joined_;
  }

  void merged(const ParentUpdate& update) { trainer_.merged(update); }

  std::optional<std::string> over() const {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    return over_;
  }

  UpperParentStatus status() const {
    UpperParentStatus status;
    {
      const std::lock_guard lock(mutex_);
      status = status_;
    }
    status.connected = mailbox_.ticket().has_value();
    status.merges = mailbox_.merges();
    status.reconnects = mailbox_.reconnects();
    status.bytes_sent = mailbox_.bytes_sent();
    status.bytes_received = mailbox_.bytes_received();
    return status;
  }

  void stop(const std::string& reason) {
    is_stopped_ = true;
    {
      const std::lock_guard lock(mutex_);
      parting_words_ = reason;
    }
    // From now on an answer is waited for close_timeout only.
    mailbox_.request_stop();
    trainer_.wake();
    const std::lock_guard lock(lifecycle_);
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::optional<std::string> reason;
    std::exception_ptr failure;
    try {
      reason = exchange_rounds();
      links_.stop(words_for_upper());
    } catch (const std::exception& error) {
      failure = std::current_exception();
      links_.stop(fmt::format("the Parent below failed: {}", error.what()));
    }
    {
      const std::lock_guard lock(mutex_);
      over_ = reason;
      failure_ = failure;
    }
    changed_.notify_all();
  }

  /// Why it has ended.
  std::string exchange_rounds() {
    constexpr Milliseconds kLook{100};
    exchange_->begin(trainer_);
    if (const auto reason = exchange_->over()) return *reason;
    {
      const std::lock_guard lock(mutex_);
      joined_ = true;
    }
    changed_.notify_all();
    for (;;) {
      const auto below = trainer_.take(merges_wanted(), kLook);
      const auto reason = exchange_->over();
      // At the end with what there is, unless the upper Parent has ended the run.
      if (below && (!reason || !mailbox_.end_reason())) exchange(*below);
      if (reason) return *reason;
    }
  }

  std::uint64_t merges_wanted() const {
    if (options_.merges > 0) return options_.merges;
    if (parent_.options().exchange == ExchangeKind::kRounds) return 1;
    return std::max<std::uint64_t>(parent_.status().children.size(), 1);
  }

  void exchange(const MergedBelow& below) {
    const ExchangeReport report = exchange_->after_playing(trainer_, below.played, below.mean_return());
    const std::lock_guard lock(mutex_);
    status_.exchanges += report.averaged;
    status_.waited_seconds += report.waited_seconds;
    status_.told += below.played;
    status_.session = exchange_->session();
  }

  std::string words_for_upper() const {
    const std::lock_guard lock(mutex_);
    return parting_words_.empty() ? "the Parent below leaves" : parting_words_;
  }

  const UpperParentOptions options_;
  Parent& parent_;
  MergedTrainer trainer_;
  ChildMailbox mailbox_;
  ChildLinks links_;
  std::unique_ptr<ChildExchange> exchange_;
  std::atomic<bool> is_stopped_{false};
  std::mutex lifecycle_;  // start and stop against one another

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool joined_ = false;
  std::optional<std::string> over_;
  std::exception_ptr failure_;
  UpperParentStatus status_;
  std::string parting_words_;
  std::thread thread_;
};

UpperParent::UpperParent(UpperParentOptions options, Parent& parent)
    : impl_(std::make_unique<Impl>(std::move(options), parent)) {}

UpperParent::~UpperParent() = default;

void UpperParent::start() {
  impl_->start();
}

bool UpperParent::joined(Milliseconds span) {
  return impl_->joined(span);
}

void UpperParent::merged(const ParentUpdate& update) {
  impl_->merged(update);
}

std::optional<std::string> UpperParent::over() const {
  return impl_->over();
}

UpperParentStatus UpperParent::status() const {
  return impl_->status();
}

void UpperParent::stop(const std::string& reason) {
  impl_->stop(reason);
}

}  // namespace genkidama
