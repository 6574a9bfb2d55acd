#pragma once

// What a listener answers to an HTTP request that is not a Genkidama peer's.

#include "net/asio.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "genkidama/net/security.h"
#include "net/link/peer_fault.h"

namespace genkidama {

inline constexpr std::size_t kMaxHttpHeaderBytes = 8192;

struct HttpRefusal {
  boost::beast::http::response<boost::beast::http::string_body> response;
  std::string reason;  ///< for the log
  PeerFault fault = PeerFault::kRequest;
};

/// Nothing when the request may open a WebSocket: one sound Host, no Origin but an allowed one (every browser
/// sends it and no Genkidama peer does: a web page must not reach a port of its reader's machine), upgrade,
/// `path` unless that is empty, and the token, compared in a time that says nothing about it.
std::optional<HttpRefusal> refuse_request(
    const boost::beast::http::request<boost::beast::http::empty_body>& request, const LinkSecurity& security,
    std::string_view path);

/// The same for a listener that serves the page at `path` to GET requests and opens no WebSocket: nothing
/// when the request is to be answered with the page. No Origin is allowed. `is_local`: it listens at a
/// loopback address, and Host must name one.
std::optional<HttpRefusal> refuse_page_request(
    const boost::beast::http::request<boost::beast::http::empty_body>& request, std::string_view path,
    std::string_view token, bool is_local);

/// The same for a listener that serves files to GET requests without a body, and opens a WebSocket at the
/// path `stream`: nothing when the request is to be answered with a file, which `is_file` says its target is,
/// or with a WebSocket. A page of this very Host may ask, and no other. The token is asked for later.
std::optional<HttpRefusal> refuse_live_page_request(
    const boost::beast::http::request<boost::beast::http::empty_body>& request, bool is_file,
    std::string_view stream, bool is_local);
/// To one more than can be served now.
HttpRefusal too_many(const std::string& text);

/// Whether the error means that what arrived is not HTTP, rather than that nothing arrived.
bool is_malformed_request(ErrorCode error);
HttpRefusal malformed_request(ErrorCode error);
/// Bytes after the request, before the WebSocket was opened.
HttpRefusal early_bytes();
/// To a peer that begins with HTTP where TLS is spoken, and with TLS where HTTP is.
HttpRefusal plain_request_refusal();
HttpRefusal tls_request_refusal();

/// What a TLS handshake begins with, and HTTP never.
inline constexpr char kFirstTlsByte = 0x16;

}  // namespace genkidama
