#include "genkidama/net/child.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/error.h"
#include "net/child/check_child_options.h"
#include "net/child/child_exchange.h"
#include "net/child/child_links.h"
#include "net/child/child_mailbox.h"
#include "net/role_words.h"

namespace genkidama {
/// The training thread's side; the io thread's is ChildLinks, and the mailbox lies between them.
class Child::Impl {
 public:
  Impl(ChildOptions options, LocalTrainer& trainer)
      : options_(checked_child_options(std::move(options))),
        trainer_(trainer),
        layout_(trainer.layout()),
        mailbox_(options_.exchange != ExchangeKind::kEach),
        links_(options_, layout_, trainer.own_statistics(), trainer.policy_description(),
               trainer.moments_shape(), trainer.tunable(), mailbox_, words_),
        exchange_(ChildExchange::make(options_, mailbox_, links_)) {}

  void start() { links_.bind(); }
  std::uint16_t port() const { return links_.port(); }
  void request_stop() { mailbox_.request_stop(); }
  const ChildProgress& progress() const { return progress_; }

  std::string run(const std::function<bool(const ChildProgress&)>& keep_going) {
    if (std::exchange(ran_, true)) throw ArgumentError("Child::run() was already called; make a new Child");
    links_.start();
    try {
      const std::string reason = train(keep_going);
      links_.stop(reason);
      return reason;
    } catch (const std::exception& error) {
      links_.stop(fmt::format("the {} failed: {}", words_.the_child, error.what()));
      throw;
    } catch (...) {
      links_.stop(fmt::format("the {} failed", words_.the_child));
      throw;
    }
  }

 private:
  std::string train(const std::function<bool(const ChildProgress&)>& keep_going) {
    exchange_->begin(trainer_);
    if (const auto reason = exchange_->over()) return *reason;
    for (;;) {
      train_round();
      const bool wanted = !keep_going || keep_going(progress_);
      if (wanted && !exchange_->over()) continue;
      progress_.exchanges += exchange_->finish(trainer_).averaged;
      update_progress();
      // Looked at once more: what came last may have been a refusal.
      return exchange_->over().value_or(fmt::format("the {}'s program ended the training", words_.the_child));
    }
  }

  void train_round() {
    ChildProgress& progress = progress_;
    progress.round = exchange_->play(trainer_);
    ++progress.rounds;
    progress.in_process += progress.round.in_round();
    const ExchangeReport report = exchange_->after_round(trainer_, progress.round);
    progress.connected = report.averaged > 0;
    progress.exchanges += report.averaged;
    progress.waited_seconds += report.waited_seconds;
    update_progress();
  }

  void update_progress() {
    progress_.reconnects = mailbox_.reconnects();
    progress_.merges = mailbox_.merges();
    progress_.bytes_sent = mailbox_.bytes_sent();
    progress_.bytes_received = mailbox_.bytes_received();
    progress_.session = exchange_->session();
  }

  const ChildOptions options_;
  const RoleWords words_ = role_words(options_.exchange);
  LocalTrainer& trainer_;
  const ParameterLayout layout_;
  ChildMailbox mailbox_;
  ChildLinks links_;
  std::unique_ptr<ChildExchange> exchange_;
  ChildProgress progress_;
  bool ran_ = false;
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
