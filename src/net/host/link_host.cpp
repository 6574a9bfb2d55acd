#include "net/host/link_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <exception>

#include "genkidama/core/log.h"
#include "net/check_options.h"
#include "net/link/tls.h"

namespace genkidama {
namespace {

std::shared_ptr<const LinkSettings> link_settings(const HostOptions& options) {
  const TlsOptions& tls = options.security.tls;
  const bool dials = std::any_of(options.connect.begin(), options.connect.end(),
                                 [](const Endpoint& endpoint) { return endpoint.tls; });
  const bool listens = std::any_of(options.listen.begin(), options.listen.end(),
                                   [&](const Endpoint& endpoint) { return speaks_tls(endpoint, tls); });
  return std::make_shared<LinkSettings>(
      LinkSettings{options.limits, options.security, load_tls(tls, listens, dials), options.peer});
}

}  // namespace

void HostedSession::start(tcp::socket socket, std::shared_ptr<const LinkSettings> settings,
                          const LinkOrigin& origin) {
  from_ = remote_address(socket);
  origin_ = origin;
  link_ = Link::make(std::move(socket), std::move(settings), first_message_max(), weak_from_this(), origin);
  link_->open();
}

void HostedSession::abandon() {
  if (link_) link_->drop(kNoMemory);
}

void HostedSession::drop_if_lost() {
  if (link_) link_->drop_if_lost();
}

LinkHost::LinkHost(HostOptions options, LinkHostOwner& owner)
    : options_(std::move(options)),
      link_(link_settings(options_)),
      owner_(owner),
      admission_(options_.limits) {}

LinkHost::~LinkHost() {
  shut_down("it was destroyed");
}

void LinkHost::shut_down(const char* reason) noexcept {
  try {
    stop(reason);
  } catch (const std::exception&) {
    io_.finish();
    io_.join();
  }
}

void LinkHost::bind() {
  const std::lock_guard lock(lifecycle_);
  if (!places_.empty()) return;
  std::vector<Place> places;
  for (const Endpoint& endpoint : options_.listen) {
    places.push_back({endpoint, listen_at(io_.context(), endpoint)});
  }
  places_ = std::move(places);
  for (const Place& place : places_) {
    std::string addresses;
    for (const auto& listener : place.listeners) {
      addresses += (addresses.empty() ? "" : " and ") + listener->address();
    }
    log(LogLevel::kInfo, "{}: listens at {} ({}, {})", options_.who, addresses, place.endpoint.text(),
        speaks_tls(place.endpoint, options_.security.tls) ? "TLS" : "no TLS");
  }
}

std::vector<std::uint16_t> LinkHost::ports() const {
  const std::lock_guard lock(lifecycle_);
  std::vector<std::uint16_t> ports;
  for (const Place& place : places_) ports.push_back(place.listeners.front()->port());
  return ports;
}

void LinkHost::start() {
  bind();
  const std::lock_guard lock(lifecycle_);
  dialers_.clear();
  for (const Endpoint& endpoint : options_.connect) {
    dialers_.push_back(std::make_shared<Dialer>(
        io_.context(), endpoint,
        Dialer::Timing{options_.limits.connect_timeout, options_.backoff_min, options_.backoff_max}));
  }
  io_.on_failure([this] { recover(); });
  io_.post([this] { listen_and_dial(); });
  io_.start();
}

void LinkHost::stop(const std::string& reason) {
  // With a string of its own, which can be moved: a copy on the way might want memory.
  const auto post_end = [&] { io_.post([this, why = std::string(reason)] { end_all(why); }); };
  if (io_.is_current()) {
    // The thread cannot wait for itself; the destructor will.
    post_end();
    return;
  }
  const std::lock_guard lock(lifecycle_);
  if (!io_.running()) return;
  post_end();
  io_.join();
}

/// After a handler failed: whatever it would have set going, or ended.
void LinkHost::recover() {
  for_each_session([this](HostedSession& session) {
    if (ending_) {
      session.abandon();
    } else {
      session.drop_if_lost();
    }
  });
  if (ending_ && sessions_.empty()) io_.finish();
  listen_and_dial();
}

/// Also where it was not finished, or something has stopped since.
void LinkHost::listen_and_dial() {
  if (ending_) return;
  for (const Place& place : places_) {
    const bool tls = speaks_tls(place.endpoint, options_.security.tls);
    for (const auto& listener : place.listeners) {
      listener->start([this] { return pending() < options_.max_pending; },
                      [this, tls](tcp::socket socket) { accept_connection(std::move(socket), tls); });
    }
  }
  for (const auto& dialer : dialers_) {
    dialer->start([this, dialer = dialer.get()](
                      tcp::socket socket) { open(std::move(socket), dialled(dialer->endpoint()), dialer); },
                  [this](const std::string& reason) { owner_.dial_failed(reason); });
  }
  owner_.set_going();
}

std::size_t LinkHost::pending() const {
  return static_cast<std::size_t>(std::count_if(
      sessions_.begin(), sessions_.end(), [](const auto& entry) { return !entry.second.session->joined(); }));
}

void LinkHost::accept_connection(tcp::socket socket, bool tls) {
  const auto from = remote_address(socket);
  const auto waiting =
      static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
        const HostedSession& session = *entry.second.session;
        return !session.joined() && session.from() == from;
      }));
  if (const auto objection = admission_.objection(from, sessions_.size(), waiting)) {
    owner_.connection_refused(from, *objection);
  } else {
    open(std::move(socket), accepted(tls), nullptr);
  }
}

void LinkHost::open(tcp::socket socket, const LinkOrigin& origin, Dialer* dialer) {
  const std::uint64_t number = ++connections_;
  const auto session = owner_.make_session(number);
  sessions_.emplace(number, Connection{session, dialer});
  try {
    session->start(std::move(socket), link_, origin);
  } catch (const std::exception&) {
    session->abandon();
    sessions_.erase(number);
    // Also if its end was told: what follows from that may have failed in its turn.
    throw;
  }
}

Dialer* LinkHost::dialer_of(std::uint64_t connection) const {
  const auto found = sessions_.find(connection);
  return found == sessions_.end() ? nullptr : found->second.dialer;
}

void LinkHost::peer_works(std::uint64_t connection) {
  assert(is_io_thread());
  if (Dialer* dialer = dialer_of(connection)) dialer->succeeded();
}

void LinkHost::peer_refused(std::uint64_t connection) {
  assert(is_io_thread());
  if (Dialer* dialer = dialer_of(connection)) dialer->answered();
}

void LinkHost::connection_closed(std::uint64_t connection) {
  assert(is_io_thread());
  Dialer* dialer = dialer_of(connection);
  sessions_.erase(connection);
  if (ending_) {
    if (sessions_.empty()) io_.finish();
  } else if (dialer != nullptr) {
    dialer->retry();
  }
}

void LinkHost::stop_dialling() {
  assert(is_io_thread());
  for (const auto& dialer : dialers_) dialer->stop();
}

void LinkHost::end_all(const std::string& reason) {
  assert(is_io_thread());
  if (std::exchange(ending_, true)) return;
  for (const Place& place : places_) {
    for (const auto& listener : place.listeners) listener->stop();
  }
  stop_dialling();
  for_each_session([&reason](HostedSession& session) {
    try {
      session.end(reason);
    } catch (const std::exception&) {
      session.abandon();
    }
  });
  if (sessions_.empty()) io_.finish();
}

}  // namespace genkidama
