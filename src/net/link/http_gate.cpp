#include "net/link/http_gate.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/version.h"
#include "genkidama/net/endpoint.h"
#include "net/link/same_secret.h"

namespace genkidama {
namespace {

namespace http = boost::beast::http;
using Request = http::request<http::empty_body>;

HttpRefusal make_refusal(http::status status, const std::string& text,
                         PeerFault fault = PeerFault::kRequest) {
  HttpRefusal refusal{{status, 11}, "HTTP request refused: " + text, fault};
  refusal.response.set(http::field::server, std::string("genkidama/") + kVersion);
  refusal.response.set(http::field::content_type, "text/plain; charset=utf-8");
  if (status == http::status::upgrade_required) {
    refusal.response.set(http::field::connection, "Upgrade");
    refusal.response.set(http::field::upgrade, "websocket");
  }
  if (status == http::status::unauthorized) {
    refusal.response.set(http::field::www_authenticate, "Bearer realm=\"genkidama\"");
  }
  refusal.response.keep_alive(false);
  refusal.response.body() = text + "\n";
  refusal.response.prepare_payload();
  return refusal;
}

/// The value of a header that is there exactly once.
std::optional<std::string_view> only(const Request& request, http::field name) {
  if (request.count(name) != 1) return std::nullopt;
  const auto value = request[name];
  return std::string_view(value.data(), value.size());
}

/// HOST or HOST:PORT, as Endpoint takes them.
std::optional<Endpoint> host_of(std::string_view host) {
  const bool has_port = host.rfind(':') != std::string_view::npos && host.back() != ']';
  try {
    return Endpoint::parse(std::string(host) + (has_port ? "" : ":80"));
  } catch (const ArgumentError&) {
    return {};
  }
}

bool origin_allowed(const Request& request, const std::vector<std::string>& allowed) {
  if (request.count(http::field::origin) == 0) return true;
  const auto origin = only(request, http::field::origin);
  return origin && std::find(allowed.begin(), allowed.end(), *origin) != allowed.end();
}

bool has_token(const Request& request, std::string_view token) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto value = only(request, http::field::authorization);
  if (!value || value->size() < kScheme.size()) return false;
  const auto scheme = value->substr(0, kScheme.size());
  return boost::beast::iequals({scheme.data(), scheme.size()}, {kScheme.data(), kScheme.size()}) &&
         is_same_secret(value->substr(kScheme.size()), token);
}

std::optional<HttpRefusal> refuse_stranger(const Request& request,
                                           const std::vector<std::string>& allowed_origins) {
  const auto host = only(request, http::field::host);
  if (!host || !host_of(*host)) {
    return make_refusal(http::status::bad_request, "one Host header with a host's name is required");
  }
  if (!origin_allowed(request, allowed_origins)) {
    return make_refusal(http::status::forbidden, "this port is not for browsers", PeerFault::kOrigin);
  }
  return std::nullopt;
}

/// A body, or what two readers may take for different bodies.
std::optional<HttpRefusal> refuse_body(const Request& request) {
  if (request.count(http::field::transfer_encoding) == 0) {
    if (request.count(http::field::content_length) == 0) return std::nullopt;
    const auto length = only(request, http::field::content_length);
    if (length && *length == "0") return std::nullopt;
  }
  return make_refusal(http::status::bad_request, "a request has no body here");
}

/// No Origin, as of whatever is no browser and of a page that is opened; or that of this very host.
bool is_own_origin(const Request& request) {
  if (request.count(http::field::origin) == 0) return true;
  const auto origin = only(request, http::field::origin);
  const std::string host(*only(request, http::field::host));
  // https: what speaks TLS for this port.
  return origin && (*origin == "http://" + host || *origin == "https://" + host);
}

HttpRefusal not_for_other_hosts() {
  return make_refusal(http::status::forbidden, "this page is for this machine: ask 127.0.0.1 or localhost",
                      PeerFault::kOrigin);
}

HttpRefusal only_get() {
  auto refusal = make_refusal(http::status::method_not_allowed, "only GET is answered here");
  refusal.response.set(http::field::allow, "GET");
  return refusal;
}

std::optional<HttpRefusal> refuse_without_token(const Request& request, std::string_view token) {
  if (token.empty() || has_token(request, token)) return std::nullopt;
  const bool none = request.count(http::field::authorization) == 0;
  auto refusal =
      make_refusal(http::status::unauthorized, "this port wants a token: give the same token on both sides",
                   PeerFault::kToken);
  refusal.reason = std::string("refused (401): the peer ") + (none ? "gave no token" : "gave another token") +
                   ": give the same token on both sides";
  return refusal;
}

}  // namespace

std::optional<HttpRefusal> refuse_request(const Request& request, const LinkSecurity& security,
                                          std::string_view path) {
  if (auto refusal = refuse_stranger(request, security.allowed_origins)) return refusal;
  if (!boost::beast::websocket::is_upgrade(request)) {
    return make_refusal(http::status::upgrade_required, "this is a Genkidama port: open a WebSocket");
  }
  const auto target = request.target();
  if (!path.empty() && std::string_view(target.data(), target.size()) != path) {
    return make_refusal(http::status::not_found,
                        "nothing is here; Genkidama peers open a WebSocket at " + std::string(path));
  }
  return refuse_without_token(request, security.token);
}

std::optional<HttpRefusal> refuse_page_request(const Request& request, std::string_view path,
                                               std::string_view token, bool is_local) {
  if (auto refusal = refuse_stranger(request, {})) return refusal;
  if (is_local && !host_of(*only(request, http::field::host))->is_loopback()) return not_for_other_hosts();
  if (auto refusal = refuse_without_token(request, token)) return refusal;
  const auto target = request.target();
  if (std::string_view(target.data(), target.size()) != path)
    return make_refusal(http::status::not_found, "nothing is here; the page is at " + std::string(path));
  if (request.method() != http::verb::get) return only_get();
  return refuse_body(request);
}

std::optional<HttpRefusal> refuse_live_page_request(const Request& request, bool is_file,
                                                    std::string_view stream, bool is_local) {
  const auto host = only(request, http::field::host);
  if (!host || !host_of(*host))
    return make_refusal(http::status::bad_request, "one Host header with a host's name is required");
  if (is_local && !host_of(*host)->is_loopback()) return not_for_other_hosts();
  if (!is_own_origin(request))
    return make_refusal(http::status::forbidden, "this port is for its own page", PeerFault::kOrigin);
  const auto target = request.target();
  const bool is_stream = std::string_view(target.data(), target.size()) == stream;
  if (!is_file && !is_stream)
    return make_refusal(http::status::not_found, "nothing is here; the page is at /");
  if (request.method() != http::verb::get) return only_get();
  if (auto refusal = refuse_body(request)) return refusal;
  const bool is_upgrade = boost::beast::websocket::is_upgrade(request);
  if (is_stream && !is_upgrade)
    return make_refusal(http::status::upgrade_required, "this is where the page opens its WebSocket");
  if (is_file && is_upgrade)
    return make_refusal(http::status::bad_request, "a WebSocket is opened at " + std::string(stream));
  return std::nullopt;
}

HttpRefusal too_many(const std::string& text) {
  return make_refusal(http::status::service_unavailable, text);
}

bool is_malformed_request(ErrorCode error) {
  return error.category() == http::make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

HttpRefusal malformed_request(ErrorCode error) {
  return make_refusal(http::status::bad_request, "not an HTTP request: " + error.message());
}

HttpRefusal early_bytes() {
  return make_refusal(http::status::bad_request, "bytes after the HTTP request");
}

HttpRefusal plain_request_refusal() {
  return make_refusal(http::status::bad_request, "this port speaks TLS: dial it at wss://HOST:PORT",
                      PeerFault::kTls);
}

HttpRefusal tls_request_refusal() {
  return make_refusal(
      http::status::bad_request,
      "this port speaks no TLS: dial it without TLS, or give this side a certificate and its key",
      PeerFault::kTls);
}

}  // namespace genkidama
