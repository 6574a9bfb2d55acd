#pragma once

// What the connections of a page's port are served with.

#include "net/asio.h"

#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "genkidama/core/version.h"
#include "genkidama/net/limits.h"
#include "net/link/http_gate.h"

namespace genkidama {

using PageRequest = boost::beast::http::request<boost::beast::http::empty_body>;
using PageResponse = boost::beast::http::response<boost::beast::http::string_body>;
using PageStream = boost::beast::basic_stream<tcp, tcp::socket::executor_type>;

/// The connections of a listener, by address.
using ConnectionCounts = std::map<asio::ip::address, std::size_t>;

/// Counts one connection for as long as it lives.
class CountedConnection {
 public:
  CountedConnection(std::shared_ptr<ConnectionCounts> counts, const asio::ip::address& from)
      : counts_(std::move(counts)), from_(from) {
    ++(*counts_)[from_];
  }
  CountedConnection(CountedConnection&& other) noexcept = default;
  CountedConnection& operator=(CountedConnection&&) = delete;
  ~CountedConnection() {
    if (!counts_) return;
    const auto mine = counts_->find(from_);
    if (mine != counts_->end() && --mine->second == 0) counts_->erase(mine);
  }

  std::string text() const { return from_.to_string(); }

 private:
  std::shared_ptr<ConnectionCounts> counts_;
  asio::ip::address from_;
};

/// It outlives all connections. The functions are called on the io thread.
struct PageService {
  LinkLimits limits;
  /// Nothing when the request is to be answered, or opens a WebSocket.
  std::function<std::optional<HttpRefusal>(const PageRequest&)> refuse;
  std::function<PageResponse(const PageRequest&)> respond;
  /// Takes over a connection that opens a WebSocket; empty: none may.
  std::function<void(PageStream, PageRequest, CountedConnection)> upgrade;
  /// Told why a request was refused, and by whom it was sent.
  std::function<void(const std::string&)> refused;
};

inline PageResponse page_response(const std::string& content_type, std::string content) {
  namespace http = boost::beast::http;
  PageResponse response(http::status::ok, 11);
  response.set(http::field::server, std::string("genkidama/") + kVersion);
  response.set(http::field::content_type, content_type);
  response.set(http::field::cache_control, "no-store");
  response.keep_alive(false);
  response.body() = std::move(content);
  response.prepare_payload();
  return response;
}

}  // namespace genkidama
