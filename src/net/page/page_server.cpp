#include "genkidama/net/page_server.h"

#include <fmt/format.h>

#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "net/check_options.h"
#include "net/host/admission.h"
#include "net/host/io_thread.h"
#include "net/host/listener.h"
#include "net/page/page_connection.h"
#include "net/quiet_log.h"

namespace genkidama {
namespace {

// While so many requests are not answered, others wait in the system's queue.
constexpr std::size_t kMostAtOnce = 64;

PageOptions checked(PageOptions options) {
  check_limits(options.limits);
  check_peer_name(options.name, "the page's name");
  if (options.listen.tls)
    throw ArgumentError(
        fmt::format("{}: a page is served without TLS; give HOST:PORT", options.listen.text()));
  LinkSecurity security;
  security.token = options.token;
  security.insecure = options.insecure;
  SecurityNames names;
  names.token = "token";
  names.insecure = "set insecure";
  check_security(security, {&options.listen, 1}, names);
  if (options.listen.is_loopback()) options.token.clear();
  return options;
}

}  // namespace

class PageServer::Impl {
 public:
  Impl(PageOptions options, std::function<std::string()> content)
      : options_(checked(std::move(options))), content_(std::move(content)), admission_(options_.limits) {
    if (!content_) throw ArgumentError("a page needs its content; give a function that returns it");
  }
  ~Impl() { stop(); }

  void start() {
    const std::lock_guard lock(lifecycle_);
    if (!listeners_.empty()) throw ArgumentError("PageServer::start() was already called; make a new one");
    listeners_ = listen_at(io_.context(), options_.listen);
    log(LogLevel::kInfo, "{}: at http://{}{}", options_.name, listeners_.front()->address(), options_.path);
    io_.on_failure([this] { accept(); });
    io_.post([this] { accept(); });
    io_.start();
  }
  std::uint16_t port() const {
    const std::lock_guard lock(lifecycle_);
    return listeners_.empty() ? std::uint16_t{0} : listeners_.front()->port();
  }
  void stop() {
    const std::lock_guard lock(lifecycle_);
    if (!io_.running()) return;
    io_.finish();
    io_.join();
    // The thread that used them has ended.
    for (const auto& each : listeners_) each->stop();
  }

 private:
  /// Also after a handler failed, which ends its own connection.
  void accept() {
    for (const auto& listener : listeners_) {
      listener->start([this] { return connections() < kMostAtOnce; },
                      [this](tcp::socket socket) { open(std::move(socket)); });
    }
  }

  std::size_t connections() const {
    return std::accumulate(counts_->begin(), counts_->end(), std::size_t{0},
                           [](std::size_t sum, const auto& each) { return sum + each.second; });
  }

  void open(tcp::socket socket) {
    const auto from = remote_address(socket);
    const auto known = counts_->find(from);
    if (const auto objection =
            admission_.objection(from, connections(), known == counts_->end() ? 0 : known->second)) {
      refused_(fmt::format("{}: {}", from.to_string(), *objection));
      return;
    }
    std::make_shared<PageConnection>(std::move(socket), counts_, options_, content_, refused_)->start();
  }

  const PageOptions options_;
  const std::function<std::string()> content_;
  Admission admission_;
  QuietLog log_;
  const std::function<void(const std::string&)> refused_ = [this](const std::string& reason) {
    log_.warn(fmt::format("{}: {}", options_.name, reason));
  };
  const std::shared_ptr<ConnectionCounts> counts_ = std::make_shared<ConnectionCounts>();
  mutable std::mutex lifecycle_;
  // Connections that are left are handlers of its context, and use the members above.
  IoThread io_;
  std::vector<std::shared_ptr<Listener>> listeners_;
};

PageServer::PageServer(PageOptions options, std::function<std::string()> content)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(content))) {}
PageServer::~PageServer() = default;

void PageServer::start() {
  impl_->start();
}

std::uint16_t PageServer::port() const {
  return impl_->port();
}

void PageServer::stop() {
  impl_->stop();
}

}  // namespace genkidama
