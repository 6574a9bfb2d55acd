#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/net/environments.h"
#include "net/check_options.h"
#include "net/environments/environment_description.h"
#include "net/environments/environment_slots.h"
#include "net/environments/host_session.h"
#include "net/environments/hosted_environment.h"
#include "net/host/link_host.h"
#include "net/host/listening_host.h"
#include "net/host/pending_flag.h"
#include "net/quiet_log.h"
#include "net/try_log.h"

namespace genkidama {
namespace {

constexpr int kMostPerMachine = 1'000'000;

HostedEnvironmentsOptions checked(HostedEnvironmentsOptions options) {
  check_limits(options.limits);
  check_security(options.security, options.listen);
  check_peer_name(options.name, "the server's name");
  if (options.listen.empty()) throw ArgumentError("a server needs an endpoint; give at least one in listen");
  const auto in_range = [](int count) { return count >= 1 && count <= kMostPerMachine; };
  if (!in_range(options.workers) || !in_range(options.environments_per_worker) ||
      options.environments_per_worker > kMostPerMachine / options.workers) {
    throw ArgumentError(fmt::format("{} workers with {} environments each; expected 1 to {} in all",
                                    options.workers, options.environments_per_worker, kMostPerMachine));
  }
  if (options.answer_timeout <= Milliseconds::zero()) {
    throw ArgumentError(
        fmt::format("answer_timeout is {} ms; give at least 1 ms", options.answer_timeout.count()));
  }
  return options;
}

}  // namespace

class HostedEnvironments::Impl final : private LinkHostOwner, private HostSessionOwner {
 public:
  Impl(HostedEnvironmentsOptions options, const EnvironmentSpec& spec)
      : options_(checked(std::move(options))),
        spec_(completed(spec)),
        description_(describe_environment(spec_)),
        sizes_(environment_sizes(spec_)),
        slots_(
            std::make_shared<EnvironmentSlots>(static_cast<std::size_t>(options_.workers) *
                                                   static_cast<std::size_t>(options_.environments_per_worker),
                                               sizes_)),
        seats_(slots_->size()),
        was_hosted_(slots_->size()) {
    for (std::size_t slot = seats_.size(); slot-- > 0;) free_slots_.push_back(slot);
  }

  ~Impl() override {
    if (host_) host_->shut_down("the server ended");
    slots_->close();
    // The slots have it.
    if (bell_) bell_->release();
  }

  EnvironmentFactory factory() const {
    return [slots = slots_, spec = spec_, workers = options_.workers,
            each = options_.environments_per_worker](const EnvironmentContext& context) {
      if (context.worker < 0 || context.worker >= workers || context.index < 0 || context.index >= each) {
        throw ArgumentError(fmt::format(
            "environment {} of worker {} is asked for; the server has {} workers with {} environments each",
            context.index, context.worker, workers, each));
      }
      const auto slot = static_cast<std::size_t>(context.worker) * static_cast<std::size_t>(each) +
                        static_cast<std::size_t>(context.index);
      return std::make_unique<HostedEnvironment>(slots, slot, spec, context.keep_waiting);
    };
  }

  void start() {
    if (host_) {
      throw ArgumentError("HostedEnvironments::start() was already called; make a new HostedEnvironments");
    }
    // Not before: the workers shall not inherit its descriptors.
    host_.emplace(listening_host(options_, "host"), static_cast<LinkHostOwner&>(*this));
    bell_.emplace(host_->context(), slots_->bell());
    host_->start();
  }
  std::vector<std::uint16_t> ports() const { return host_ ? host_->ports() : std::vector<std::uint16_t>(); }
  void stop(const std::string& reason) {
    if (host_) host_->stop(reason);
    slots_->close();
  }

  HostedEnvironmentsStatus status() const {
    const std::lock_guard lock(mutex_);
    HostedEnvironmentsStatus status = status_;
    status.environments = slots_->size();
    for (const auto& [session, host] : hosts_) {
      status.hosts.push_back(host);
      status.hosted += host.used;
    }
    return status;
  }

 private:
  /// Of a slot: who plays it.
  struct Seat {
    HostSession* session = nullptr;
    std::size_t place = 0;
    bool is_in_episode = false;
  };
  static constexpr std::size_t kNoSlot = static_cast<std::size_t>(-1);

  // The io thread.

  std::shared_ptr<HostedSession> make_session(std::uint64_t connection) override {
    HostSessionOwner& owner = *this;
    return std::make_shared<HostSession>(owner, *host_, connection);
  }
  void connection_refused(const asio::ip::address& from, const std::string& reason) override {
    peer_refused(reason);
    warnings_.warn(
        fmt::format("{}: a connection from {} was closed: {}", options_.name, from.to_string(), reason));
  }
  void dial_failed(const std::string&) override {}
  void set_going() override {
    // Also what a handler that failed has collected and not asked.
    for (std::size_t slot = 0; slot < seats_.size(); ++slot) look(slot);
    flush_all();
    listen_to_bell();
  }

  const HostedEnvironmentsOptions& options() const override { return options_; }
  const EnvironmentSpec& spec() const override { return spec_; }
  const EnvironmentDescription& description() const override { return description_; }
  const EnvironmentSizes& sizes() const override { return sizes_; }

  /// Asks what workers have written, until there is nothing more, and then sleeps.
  void listen_to_bell() {
    if (is_listening_ || host_->ending()) return;
    do {
      ask_what_is_new();
    } while (!slots_->sleep());
    bell_->async_wait(asio::posix::stream_descriptor::wait_read,
                      [this, listening = PendingFlag(nullptr, is_listening_)](ErrorCode error) mutable {
                        listening.over();
                        if (error) return;
                        slots_->calm();
                        listen_to_bell();
                      });
  }

  void ask_what_is_new() {
    slots_->collect(collected_);
    for (const std::size_t slot : collected_) look(slot);
    if (!collected_.empty()) flush_all();
  }

  void flush_all() {
    for (const auto& [session, slots] : slots_of_) session->flush();
  }

  /// Asks a host what the slot's worker wants, if there is something new.
  void look(std::size_t slot) {
    Seat& seat = seats_[slot];
    if (seat.session != nullptr && seat.session->owed(seat.place).ticket != 0) return;
    const auto request = slots_->request(slot, action_);
    if (!request) return;
    if (!request->is_reset && !(seat.session != nullptr && seat.is_in_episode))
      return lose(slot, request->ticket);
    if (seat.session == nullptr) return tell_that_nobody_is_there();
    seat.is_in_episode = true;
    seat.session->ask(seat.place, *request, action_);
  }

  void lose(std::size_t slot, std::uint64_t ticket) {
    EnvironmentAnswer answer;
    answer.lost = true;
    slots_->answer(slot, ticket, answer);
    const std::lock_guard lock(mutex_);
    ++status_.lost_steps;
  }

  void tell_that_nobody_is_there() {
    if (!slots_of_.empty() || std::exchange(has_told_, true)) return;
    log(LogLevel::kWarning, "{}: no host of environments is connected; the workers wait for one",
        options_.name);
  }

  /// Slots that nobody plays go to environments that nobody uses.
  void assign() {
    for (auto& [session, slots] : slots_of_) {
      for (std::size_t place = 0; place < slots.size() && !free_slots_.empty(); ++place) {
        if (slots[place] != kNoSlot) continue;
        const std::size_t slot = free_slots_.back();
        free_slots_.pop_back();
        slots[place] = slot;
        seats_[slot] = {session, place, false};
        {
          const std::lock_guard lock(mutex_);
          ++hosts_[session].used;
          status_.replaced += was_hosted_[slot] ? 1 : 0;
        }
        was_hosted_[slot] = true;
        look(slot);
      }
    }
    flush_all();
  }

  void session_joined(HostSession& session) override {
    {
      const std::lock_guard lock(mutex_);
      ++status_.joined;
      hosts_[&session] = {session.name(), session.from().to_string(), session.places()};
    }
    slots_of_.emplace(&session, std::vector<std::size_t>(session.places(), kNoSlot));
    has_told_ = false;
    assign();
    const auto& slots = slots_of_[&session];
    const auto spare = std::count(slots.begin(), slots.end(), kNoSlot);
    log(LogLevel::kInfo, "{}: host '{}' ({}) joined with {} environments{}; {} of {} are hosted",
        options_.name, session.name(), session.from().to_string(), session.places(),
        spare > 0 ? fmt::format(", of which {} are spare", spare) : "", seats_.size() - free_slots_.size(),
        seats_.size());
  }

  /// Counts before a worker sees any of it: who has played a step finds it counted.
  void session_received(HostSession& session, std::span<const EnvironmentAnswer> answers,
                        std::size_t bytes) override {
    const std::lock_guard lock(mutex_);
    ++status_.frames;
    status_.bytes_received += bytes;
    EnvironmentHostStatus& host = hosts_[&session];
    for (const EnvironmentAnswer& answer : answers) {
      const bool is_step = !answer.is_reset && !answer.lost;
      status_.resets += answer.is_reset ? 1 : 0;
      status_.lost_steps += answer.lost ? 1 : 0;
      status_.steps += is_step ? 1 : 0;
      host.steps += is_step ? 1 : 0;
    }
  }

  void session_answered(HostSession& session, std::size_t place, std::uint64_t ticket,
                        const EnvironmentAnswer& answer) override {
    const std::size_t slot = slots_of_[&session][place];
    if (answer.terminated || answer.truncated || answer.lost) seats_[slot].is_in_episode = false;
    slots_->answer(slot, ticket, answer);
    // The worker may have thought better of it meanwhile.
    look(slot);
  }

  void session_closed(HostSession& session, const std::string& reason) override {
    const auto slots = slots_of_.extract(&session);
    std::size_t lost = 0;
    for (const std::size_t slot : slots.mapped()) {
      if (slot == kNoSlot) continue;
      const HostSession::Owed owed = session.owed(seats_[slot].place);
      seats_[slot] = {};
      free_slots_.push_back(slot);
      if (owed.ticket != 0 && !owed.is_reset) {
        ++lost;
        lose(slot, owed.ticket);
      }
    }
    EnvironmentHostStatus host;
    {
      const std::lock_guard lock(mutex_);
      host = hosts_[&session];
      hosts_.erase(&session);
      status_.lost_hosts += host_->ending() ? 0 : 1;
    }
    try_log(host_->ending() ? LogLevel::kDebug : LogLevel::kWarning,
            "{}: host '{}' is gone: {} ({} steps, and {} that were on their way are lost)", options_.name,
            session.name(), reason, host.steps, lost);
    if (host_->ending()) return;
    assign();
    if (slots_of_.empty()) tell_that_nobody_is_there();
  }

  void peer_refused(const std::string& reason) override {
    const std::lock_guard lock(mutex_);
    ++status_.refused_peers;
    status_.last_refusal = reason;
  }
  void frame_refused(const std::string& reason) override {
    const std::lock_guard lock(mutex_);
    ++status_.refused_frames;
    status_.last_refusal = reason;
  }
  void frame_sent(std::size_t bytes) override {
    const std::lock_guard lock(mutex_);
    status_.bytes_sent += bytes;
  }
  void warn(const std::string& about, const std::string& text) override { warnings_.warn(about, text); }

  const HostedEnvironmentsOptions options_;
  const EnvironmentSpec spec_;
  const EnvironmentDescription description_;
  const EnvironmentSizes sizes_;
  const std::shared_ptr<EnvironmentSlots> slots_;
  mutable std::mutex mutex_;         // of the two below
  HostedEnvironmentsStatus status_;  // but for what follows from the others
  std::map<HostSession*, EnvironmentHostStatus> hosts_;

  // The io thread's.
  std::vector<Seat> seats_;                                    // by slot
  std::vector<std::size_t> free_slots_;                        // that nobody plays
  std::vector<bool> was_hosted_;                               // by slot: some host has played it
  std::map<HostSession*, std::vector<std::size_t>> slots_of_;  // of each place of a host
  std::vector<std::size_t> collected_;
  std::vector<float> action_;
  bool is_listening_ = false;  // to the bell
  bool has_told_ = false;      // that nobody is there
  QuietLog warnings_;

  std::optional<LinkHost> host_;  // since start(); its thread uses the others
  std::optional<asio::posix::stream_descriptor> bell_;
};

HostedEnvironments::HostedEnvironments(HostedEnvironmentsOptions options, const EnvironmentSpec& spec)
    : impl_(std::make_unique<Impl>(std::move(options), spec)) {}
HostedEnvironments::~HostedEnvironments() = default;

EnvironmentFactory HostedEnvironments::factory() const {
  return impl_->factory();
}
void HostedEnvironments::start() {
  impl_->start();
}
std::vector<std::uint16_t> HostedEnvironments::ports() const {
  return impl_->ports();
}
void HostedEnvironments::stop(const std::string& reason) {
  impl_->stop(reason);
}
HostedEnvironmentsStatus HostedEnvironments::status() const {
  return impl_->status();
}

}  // namespace genkidama
