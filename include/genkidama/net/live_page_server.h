#pragma once

/// @file
/// A page for browsers that goes on being told what is new, over a WebSocket, at a port of its own.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/net/endpoint.h"
#include "genkidama/net/limits.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Where a live page is, and who may see it.
struct LivePageOptions {
  std::string name = "page";  ///< what the log calls it: 1 to 64 printable ASCII characters
  Endpoint listen;            ///< port 0: any free one; no TLS is spoken
  LinkLimits limits;          ///< as those of every listener
  /// A viewer from another machine sends this secret as its first message, and is told nothing before. At a
  /// loopback address nobody needs one; there a request must name this machine as its host, whatever the
  /// port, so that no web page whose name was made to stand for this machine can look, and an SSH tunnel may
  /// end at another port.
  std::string token;
  bool insecure = false;         ///< lets other machines look without a token
  std::size_t max_viewers = 16;  ///< WebSockets at a time, 1 to 32; any more are refused
};

/// A file of the page. It holds no secret: whoever reaches the port gets it.
struct PageFile {
  std::string path;          ///< as in the request, such as "/" or "/page.js"
  std::string content_type;  ///< such as "text/html; charset=utf-8"
  std::string_view content;  ///< must outlive the server
};

/// What one viewer is told. It is made and used by the thread of the sockets.
class PageFeed {
 public:
  virtual ~PageFeed() = default;
  /// The next message, a UTF-8 text; nullptr: there is nothing new. It is asked about 25 times a second, and
  /// only when the message before was taken by the viewer's machine: so a slow viewer misses what was
  /// between, and nothing piles up. It must be quick. What it throws ends the viewer's connection.
  virtual std::shared_ptr<const std::string> next() = 0;
};

/// Serves the page's files to GET requests, one for each connection, and what is new at the path /live. A
/// WebSocket is opened only by this very page (its Origin is this Host) or by what is no browser, and a
/// viewer that says anything after its token is cut off. Everything has a bound: a request's size and time,
/// connections, viewers, what waits for a viewer. The page runs no script but its own files (the
/// Content-Security-Policy allows nothing else), and is not kept by caches.
class LivePageServer {
 public:
  /// `feed` makes what a new viewer is told. Throws ArgumentError for options out of range, without files,
  /// for an endpoint that wants TLS, and for one that other machines reach when there is no token.
  LivePageServer(LivePageOptions options, std::vector<PageFile> files,
                 std::function<std::unique_ptr<PageFeed>()> feed);
  /// Does what stop() does.
  ~LivePageServer();
  LivePageServer(const LivePageServer&) = delete;
  LivePageServer& operator=(const LivePageServer&) = delete;

  /// Binds, listens and starts the thread. Throws IoError naming the endpoint when it cannot be bound. Never
  /// fork after this.
  void start();
  /// The bound port; 0 before start().
  std::uint16_t port() const;
  /// How many viewers are told what is new. Any thread.
  std::size_t viewers() const;
  /// Gives each viewer what is new once more, for LinkLimits::close_timeout at most; then ends all
  /// connections and joins the thread.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
