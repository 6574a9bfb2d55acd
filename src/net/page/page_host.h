#pragma once

// Who listens at a page's port: one thread, and as many connections as the limits allow.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "genkidama/net/endpoint.h"
#include "net/host/admission.h"
#include "net/host/io_thread.h"
#include "net/host/listener.h"
#include "net/page/page_service.h"
#include "net/quiet_log.h"

namespace genkidama {

/// Throws ArgumentError for limits or a name out of range, an endpoint that wants TLS, and one that other
/// machines reach when there is neither a token nor `insecure`.
void check_page(const std::string& name, const Endpoint& listen, const LinkLimits& limits,
                const std::string& token, bool insecure);

class PageHost {
 public:
  /// Fills in PageService::refused.
  PageHost(std::string name, Endpoint listen, PageService service);
  ~PageHost() { stop(); }
  PageHost(const PageHost&) = delete;
  PageHost& operator=(const PageHost&) = delete;

  /// `path`: what the log says after the address. `recover` is called on the thread after a handler failed.
  void start(const std::string& path, std::function<void()> recover = {});
  std::uint16_t port() const;
  /// `before` is called on the caller's thread while the io thread still runs. A second call does nothing.
  void stop(const std::function<void()>& before = {});

  IoThread& io() { return io_; }

 private:
  void accept();
  std::size_t connections() const;
  void open(tcp::socket socket);

  const std::string name_;
  const Endpoint listen_;
  PageService service_;
  Admission admission_;
  QuietLog log_;
  const std::shared_ptr<ConnectionCounts> counts_ = std::make_shared<ConnectionCounts>();
  mutable std::mutex lifecycle_;
  // Connections that are left are handlers of its context, and use the members above.
  IoThread io_;
  std::vector<std::shared_ptr<Listener>> listeners_;
};

}  // namespace genkidama
