#pragma once

/// @file
/// A page that a program answers plain HTTP with, at a port of its own.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Where the page is, and who may read it.
struct PageOptions {
  /// What the log calls the page: 1 to 64 printable ASCII characters.
  std::string name = "metrics";
  Endpoint listen;                                         ///< port 0: any free one; no TLS is spoken
  std::string path = "/metrics";                           ///< any other is answered with "not found"
  std::string content_type = "text/plain; charset=utf-8";  ///< of the page
  LinkLimits limits;                                       ///< as those of every listener
  /// A listener that other machines reach wants this secret in the header "Authorization: Bearer ...". One at
  /// a loopback address wants none. There a request must name this machine as its host, so that no web page
  /// whose name was made to stand for this machine can read the figures.
  std::string token;
  bool insecure = false;  ///< lets other machines reach the page without a token
};

/// Answers GET requests, one for each connection, on a thread of its own. Everything else is refused, and
/// nothing that is sent is kept: the limits bound time and memory as those of every other listener do.
class PageServer {
 public:
  /// `content` makes the page, on the thread of the sockets: it must be quick and may be called at any time.
  /// Throws ArgumentError for options out of range, for an endpoint that wants TLS, and for one that other
  /// machines reach when there is no token.
  PageServer(PageOptions options, std::function<std::string()> content);
  /// Does what stop() does.
  ~PageServer();
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;

  /// Binds, listens and starts the thread. Throws IoError naming the endpoint when it cannot be bound. Never
  /// fork after this.
  void start();
  /// The bound port; 0 before start().
  std::uint16_t port() const;
  /// Ends all connections and joins the thread.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
