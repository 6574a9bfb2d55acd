#pragma once

// One viewer of a live page: a WebSocket that is told what is new.

#include "net/asio.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "genkidama/core/clock.h"
#include "genkidama/net/live_page_server.h"
#include "net/page/page_service.h"

namespace genkidama {

/// Everything on the io thread. It lives as long as something of it is under way; its deadlines are those of
/// its stream, and that of the token is looked at by look().
class Viewer : public std::enable_shared_from_this<Viewer> {
 public:
  struct Context {
    LinkLimits limits;
    std::string token;  ///< empty: none is wanted
    std::function<std::unique_ptr<PageFeed>()> feed;
    std::function<void(const std::string&)> refused;  ///< told why a viewer was cut off
    std::function<std::string()> objection;           ///< why nobody may join now; empty: somebody may
    std::function<void(int)> joined;                  ///< 1 for one more, -1 for one less
  };

  /// `context` outlives this.
  Viewer(PageStream stream, CountedConnection counted, const Context& context);
  ~Viewer();

  void start(PageRequest request);
  /// Sends what is new if nothing is on its way; to be called several times a second.
  void look();
  /// Sends what is new once more, and closes.
  void leave();

 private:
  void opened(ErrorCode error);
  void join();
  void read();
  void take(ErrorCode error);
  void write(std::shared_ptr<const std::string> message);
  void close(boost::beast::websocket::close_code code, const std::string& reason);
  void cut_off(boost::beast::websocket::close_code code, const std::string& reason);

  CountedConnection counted_;
  const Context& context_;
  boost::beast::websocket::stream<PageStream, /*deflateSupported=*/false> stream_;
  PageRequest request_;
  boost::beast::flat_buffer buffer_;
  std::unique_ptr<PageFeed> feed_;  ///< there once the viewer has joined
  std::shared_ptr<const std::string> on_its_way_;
  const Clock::time_point began_ = Clock::now();
  bool is_open_ = false, leaves_ = false, closes_ = false;
};

}  // namespace genkidama
