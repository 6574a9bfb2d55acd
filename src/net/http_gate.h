#pragma once

// What a listener answers to an HTTP request that is not a Genkidama peer's.

#include "net/asio.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

namespace genkidama {

inline constexpr std::size_t kMaxHttpHeaderBytes = 8192;

struct HttpRefusal {
  boost::beast::http::response<boost::beast::http::string_body> response;
  std::string reason;  ///< for the log
};

/// Nothing when the request may open a WebSocket: path, upgrade, and no Origin, which every browser sends and
/// no Genkidama peer does (a web page must not reach a port of its reader's machine).
std::optional<HttpRefusal> refuse_request(
    const boost::beast::http::request<boost::beast::http::empty_body>& request);

/// Whether the error means that what arrived is not HTTP, rather than that nothing arrived.
bool is_malformed_request(ErrorCode error);
HttpRefusal malformed_request(ErrorCode error);

}  // namespace genkidama
