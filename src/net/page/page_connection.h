#pragma once

// One request for a page, and the answer.

#include "net/asio.h"

#include <array>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "genkidama/net/page_server.h"

namespace genkidama {

/// The connections of a listener, by address.
using ConnectionCounts = std::map<asio::ip::address, std::size_t>;

/// Everything on the io thread. It lives as long as something of it is under way, and that ends by a deadline
/// whatever the peer does.
class PageConnection : public std::enable_shared_from_this<PageConnection> {
 public:
  /// `refused` is told why a request was, and by whom. The options and functions outlive this.
  PageConnection(tcp::socket socket, std::shared_ptr<ConnectionCounts> counts, const PageOptions& options,
                 const std::function<std::string()>& content,
                 const std::function<void(const std::string&)>& refused);
  ~PageConnection();

  void start();

 private:
  using Response = boost::beast::http::response<boost::beast::http::string_body>;

  void answer(ErrorCode error);
  Response page() const;
  void send(Response response);
  /// Until the peer has read the answer: closed at once, what it still sends would make the system throw away
  /// what it was sent last.
  void discard();

  const std::shared_ptr<ConnectionCounts> counts_;
  const asio::ip::address from_;
  const PageOptions& options_;
  const std::function<std::string()>& content_;
  const std::function<void(const std::string&)>& refused_;
  boost::beast::basic_stream<tcp, tcp::socket::executor_type> stream_;
  boost::beast::flat_buffer buffer_;
  boost::beast::http::request_parser<boost::beast::http::empty_body> parser_;
  std::optional<Response> response_;
  std::array<char, 1024> discarded_{};
};

}  // namespace genkidama
