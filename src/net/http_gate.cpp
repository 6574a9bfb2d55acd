#include "net/http_gate.h"

#include <boost/beast/http/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <utility>

#include "genkidama/core/version.h"
#include "genkidama/wire/protocol.h"

namespace genkidama {
namespace {

namespace http = boost::beast::http;

HttpRefusal make_refusal(http::status status, const std::string& text) {
  HttpRefusal refusal{{status, 11}, "HTTP request refused: " + text};
  refusal.response.set(http::field::server, std::string("genkidama/") + kVersion);
  refusal.response.set(http::field::content_type, "text/plain; charset=utf-8");
  if (status == http::status::upgrade_required) {
    refusal.response.set(http::field::connection, "Upgrade");
    refusal.response.set(http::field::upgrade, "websocket");
  }
  refusal.response.keep_alive(false);
  refusal.response.body() = text + "\n";
  refusal.response.prepare_payload();
  return refusal;
}

}  // namespace

std::optional<HttpRefusal> refuse_request(const http::request<http::empty_body>& request) {
  if (request.find(http::field::origin) != request.end()) {
    return make_refusal(http::status::forbidden, "this port is not for browsers");
  }
  if (!boost::beast::websocket::is_upgrade(request)) {
    return make_refusal(http::status::upgrade_required, "this is a Genkidama port: open a WebSocket");
  }
  if (request.target() != kWebSocketPath) {
    return make_refusal(
        http::status::not_found,
        std::string("nothing is here; Genkidama peers open a WebSocket at ") + kWebSocketPath);
  }
  return std::nullopt;
}

bool is_malformed_request(ErrorCode error) {
  return error.category() == http::make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

HttpRefusal malformed_request(ErrorCode error) {
  return make_refusal(http::status::bad_request,
                      error ? "not an HTTP request: " + error.message() : "bytes after the HTTP request");
}

}  // namespace genkidama
