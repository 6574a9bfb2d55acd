#pragma once

// One request for a page, and the answer.

#include "net/asio.h"

#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <optional>

#include "net/page/page_service.h"

namespace genkidama {

/// Everything on the io thread. It lives as long as something of it is under way, and that ends by a deadline
/// whatever the peer does.
class PageConnection : public std::enable_shared_from_this<PageConnection> {
 public:
  PageConnection(tcp::socket socket, CountedConnection counted, const PageService& service);

  void start();

 private:
  void answer(ErrorCode error);
  void send(PageResponse response);
  /// Until the peer has read the answer: closed at once, what it still sends would make the system throw away
  /// what it was sent last.
  void discard();

  CountedConnection counted_;
  const PageService& service_;
  PageStream stream_;
  boost::beast::flat_buffer buffer_;
  boost::beast::http::request_parser<boost::beast::http::empty_body> parser_;
  std::optional<PageResponse> response_;
  std::array<char, 1024> discarded_{};
};

}  // namespace genkidama
