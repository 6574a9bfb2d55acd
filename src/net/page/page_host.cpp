#include "net/page/page_host.h"

#include <fmt/format.h>

#include <numeric>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "net/check_options.h"
#include "net/page/page_connection.h"

namespace genkidama {
namespace {

// While so many requests are not answered, others wait in the system's queue.
constexpr std::size_t kMostAtOnce = 64;

}  // namespace

void check_page(const std::string& name, const Endpoint& listen, const LinkLimits& limits,
                const std::string& token, bool insecure) {
  check_limits(limits);
  check_peer_name(name, "the page's name");
  if (listen.tls)
    throw ArgumentError(fmt::format("{}: a page is served without TLS; give HOST:PORT", listen.text()));
  LinkSecurity security;
  security.token = token;
  security.insecure = insecure;
  SecurityNames names;
  names.token = "token";
  names.insecure = "set insecure";
  check_security(security, {&listen, 1}, names);
}

PageHost::PageHost(std::string name, Endpoint listen, PageService service)
    : name_(std::move(name)),
      listen_(std::move(listen)),
      service_(std::move(service)),
      admission_(service_.limits) {
  service_.refused = [this](const std::string& reason) { log_.warn(fmt::format("{}: {}", name_, reason)); };
}

void PageHost::start(const std::string& path, std::function<void()> recover) {
  const std::lock_guard lock(lifecycle_);
  if (!listeners_.empty())
    throw ArgumentError(fmt::format("the page '{}' was already started; make a new one", name_));
  listeners_ = listen_at(io_.context(), listen_);
  log(LogLevel::kInfo, "{}: at http://{}{}", name_, listeners_.front()->address(), path);
  io_.on_failure([this, recover = std::move(recover)] {
    accept();
    if (recover) recover();
  });
  io_.post([this] { accept(); });
  io_.start();
}

std::uint16_t PageHost::port() const {
  const std::lock_guard lock(lifecycle_);
  return listeners_.empty() ? std::uint16_t{0} : listeners_.front()->port();
}

void PageHost::stop(const std::function<void()>& before) {
  const std::lock_guard lock(lifecycle_);
  if (!io_.running()) return;
  if (before) before();
  io_.finish();
  io_.join();
  // The thread that used them has ended.
  for (const auto& each : listeners_) each->stop();
}

/// Also after a handler failed, which ends its own connection.
void PageHost::accept() {
  for (const auto& listener : listeners_) {
    listener->start([this] { return connections() < kMostAtOnce; },
                    [this](tcp::socket socket) { open(std::move(socket)); });
  }
}

std::size_t PageHost::connections() const {
  return std::accumulate(counts_->begin(), counts_->end(), std::size_t{0},
                         [](std::size_t sum, const auto& each) { return sum + each.second; });
}

void PageHost::open(tcp::socket socket) {
  const auto from = remote_address(socket);
  const auto known = counts_->find(from);
  if (const auto objection =
          admission_.objection(from, connections(), known == counts_->end() ? 0 : known->second)) {
    service_.refused(fmt::format("{}: {}", from.to_string(), *objection));
    return;
  }
  std::make_shared<PageConnection>(std::move(socket), CountedConnection(counts_, from), service_)->start();
}

}  // namespace genkidama
