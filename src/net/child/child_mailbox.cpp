#include "net/child/child_mailbox.h"

#include <algorithm>
#include <utility>

namespace genkidama {

// Everybody is told after the mutex was let go: who wakes would only wait for it.

ChildTicket ChildMailbox::joined(const JoinedSession& session, ParentWeights& weights, std::uint64_t update) {
  ChildTicket ticket;
  {
    std::string run_id = session.run_id;
    const std::lock_guard lock(mutex_);
    ticket = {++joins_,      session.session, session.sequence, session.asynchronous,
              session.place, session.places};
    if (joins_ == 1) began_resumed_ = session.resumed;
    if (session.merged_unanswered) ++merges_;
    run_id_ = std::move(run_id);
    --joining_;
    ticket_ = ticket;
    update_ = update;
    weights.update = update;
    if (keeps_joins_) {
      untaken_join_ = ticket;
      std::swap(join_weights_, weights);
    } else if (!weights_taken_) {
      std::swap(weights_, weights);
    }
  }
  changed_.notify_all();
  return ticket;
}

void ChildMailbox::joining() {
  const std::lock_guard lock(mutex_);
  ++joining_;
}

void ChildMailbox::joining_failed() {
  {
    const std::lock_guard lock(mutex_);
    --joining_;
  }
  changed_.notify_all();
}

void ChildMailbox::answered(std::uint64_t generation, std::uint64_t sequence, ParentWeights& weights,
                            std::uint64_t update) {
  {
    const std::lock_guard lock(mutex_);
    if (!ticket_ || ticket_->generation != generation) return;
    answered_generation_ = generation;
    answered_sequence_ = sequence;
    update_ = update;
    ++merges_;
    weights.update = update;
    std::swap(weights_, weights);
  }
  changed_.notify_all();
}

void ChildMailbox::lost(std::uint64_t generation) {
  {
    const std::lock_guard lock(mutex_);
    if (!ticket_ || ticket_->generation != generation) return;
    ticket_.reset();
  }
  changed_.notify_all();
}

void ChildMailbox::frame_sent(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_sent_ += bytes;
}

void ChildMailbox::frame_received(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_received_ += bytes;
}

void ChildMailbox::failed(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  last_failure_ = reason;
}

void ChildMailbox::ended(const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) ended_ = reason;
  }
  changed_.notify_all();
}

void ChildMailbox::refused(const RefuseMessage& refusal) {
  {
    const std::lock_guard lock(mutex_);
    if (!refused_) refused_ = refusal;
  }
  changed_.notify_all();
}

void ChildMailbox::request_stop() {
  // Under the mutex: the caller's thread may see the end of the run, and of this, as soon as it is let go.
  const std::lock_guard lock(mutex_);
  stop_ = true;
  changed_.notify_all();
}

ChildMailbox::Outcome ChildMailbox::wait_joined(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  const auto settled = [this] { return ticket_ || over(); };
  changed_.wait_until(lock, deadline.at(), settled);
  // Slow weights are no reason to give up; their link's own deadlines say when they stopped coming.
  changed_.wait(lock, [&] { return settled() || joining_ == 0; });
  if (over()) return Outcome::kOver;
  return ticket_ ? Outcome::kReady : Outcome::kTimeout;
}

ChildMailbox::Outcome ChildMailbox::wait_answer(const ChildTicket& ticket, std::uint64_t sequence,
                                                Milliseconds stop_grace) {
  std::unique_lock lock(mutex_);
  const auto settled = [&] { return outcome(ticket, sequence) != Outcome::kTimeout; };
  changed_.wait(lock, [&] { return settled() || stop_; });
  // A merge that is under way is worth a moment, so that the last round is not lost.
  if (!settled()) changed_.wait_until(lock, Deadline::after(stop_grace).at(), settled);
  return settled() ? outcome(ticket, sequence) : Outcome::kOver;
}

ChildMailbox::Outcome ChildMailbox::wait_answer_for(const ChildTicket& ticket, std::uint64_t sequence,
                                                    Clock::duration span) {
  std::unique_lock lock(mutex_);
  const auto settled = [&] { return outcome(ticket, sequence) != Outcome::kTimeout; };
  changed_.wait_for(lock, span, [&] { return settled() || stop_; });
  return outcome(ticket, sequence);
}

ChildMailbox::Outcome ChildMailbox::look_for_answer(const ChildTicket& ticket, std::uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  return outcome(ticket, sequence);
}

ChildMailbox::Outcome ChildMailbox::outcome(const ChildTicket& ticket, std::uint64_t sequence) const {
  if (answered_generation_ == ticket.generation && answered_sequence_ == sequence) return Outcome::kReady;
  if (ended_ || refused_) return Outcome::kOver;
  return ticket_ && ticket_->generation == ticket.generation ? Outcome::kTimeout : Outcome::kLost;
}

bool ChildMailbox::take_join(JoinedWeights& join) {
  const std::lock_guard lock(mutex_);
  if (!untaken_join_) return false;
  join.ticket = *untaken_join_;
  untaken_join_.reset();
  std::swap(join.weights, join_weights_);
  return true;
}

void ChildMailbox::take_weights(ParentWeights& weights) {
  const std::lock_guard lock(mutex_);
  std::swap(weights_, weights);
  weights_taken_ = true;
}

std::optional<ChildTicket> ChildMailbox::ticket() const {
  const std::lock_guard lock(mutex_);
  return ticket_;
}

std::uint64_t ChildMailbox::reconnects() const {
  return std::max<std::uint64_t>(joins(), 1) - 1;
}

std::uint64_t ChildMailbox::joins() const {
  const std::lock_guard lock(mutex_);
  return joins_;
}

bool ChildMailbox::began_resumed() const {
  const std::lock_guard lock(mutex_);
  return began_resumed_;
}

std::uint64_t ChildMailbox::merges() const {
  const std::lock_guard lock(mutex_);
  return merges_;
}

std::uint64_t ChildMailbox::bytes_sent() const {
  const std::lock_guard lock(mutex_);
  return bytes_sent_;
}

std::uint64_t ChildMailbox::bytes_received() const {
  const std::lock_guard lock(mutex_);
  return bytes_received_;
}

std::string ChildMailbox::run_id() const {
  const std::lock_guard lock(mutex_);
  return run_id_;
}

std::uint64_t ChildMailbox::update() const {
  const std::lock_guard lock(mutex_);
  return update_;
}

bool ChildMailbox::stop_requested() const {
  const std::lock_guard lock(mutex_);
  return stop_;
}

std::optional<std::string> ChildMailbox::end_reason() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

std::optional<RefuseMessage> ChildMailbox::refusal() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

std::string ChildMailbox::last_failure() const {
  const std::lock_guard lock(mutex_);
  return last_failure_;
}

}  // namespace genkidama
