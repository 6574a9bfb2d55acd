#pragma once

// How a TCP connection becomes a WebSocket: TLS, the HTTP request or the answer to one, the gate. Private to
// websocket_link.h.

#include "net/asio.h"

#include <fmt/format.h>

#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "genkidama/core/version.h"
#include "genkidama/wire/message.h"
#include "net/link/http_gate.h"
#include "net/link/link_settings.h"
#include "net/link/peer_fault.h"

namespace genkidama {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

inline constexpr std::size_t kMaxAnswerShown = 200;  // of a peer's plain-text answer

/// What goes into the HTTP headers of an upgrade.
struct Signature {
  void operator()(websocket::request_type& request) const {
    request.set(http::field::user_agent, std::string("genkidama/") + kVersion);
    if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
  }
  void operator()(websocket::response_type& response) const {
    response.set(http::field::server, std::string("genkidama/") + kVersion);
  }

  std::string token;
};

/// The opening of one link. `Link` is the WebSocketLink that owns this; `Transport` is as there. It ends with
/// link.opened(), or with link.linger() or link.drop() and their reason.
template <typename Link, typename Transport>
class Upgrade {
 public:
  Upgrade(Link& link, const LinkSettings& settings, const std::optional<Endpoint>& dialled)
      : link_(link), settings_(settings), dialled_(dialled) {}

  void start() {
    Transport::open(link_.stream().next_layer(), dialled_, handler([](Upgrade& self, ErrorCode error) {
                      if (error) {
                        self.transport_failed(error);
                      } else if (self.dialled_) {
                        self.request();
                      } else {
                        self.read_request();
                      }
                    }));
  }

  /// The HTTP headers that this side sends.
  Signature signature() const { return {dialled_ ? settings_.security.token : std::string()}; }

  PeerFault fault() const { return fault_; }

 private:
  /// Calls `action` unless the link was closed meanwhile.
  template <typename Action>
  auto handler(Action action) {
    return link_.handler([action = std::move(action)](Link& link, const auto&... results) {
      if (!link.closed()) action(link.upgrade(), results...);
    });
  }

  void transport_failed(ErrorCode error) {
    fault_ = PeerFault::kTls;
    auto& stream = link_.stream();
    const std::string reason = Transport::describe(stream.next_layer(), error, settings_.peer, dialled_);
    if (auto answer = Transport::plain_answer(error)) {
      answer->reason = reason;
      answer->fault = PeerFault::kTls;
      refuse(beast::get_lowest_layer(stream), std::move(*answer));
    } else {
      link_.linger(reason);
    }
  }

  // This side dialled.

  void request() {
    link_.begin_websocket();
    link_.stream().async_handshake(response_, dialled_->authority(), settings_.path,
                                   handler([](Upgrade& self, ErrorCode error) { self.finish(error); }));
  }

  // This side accepted the connection.

  /// Looks at the first bytes: the reader of HTTP would wait for the end of a header that never comes.
  void read_request() {
    link_.begin_request();
    link_.stream().next_layer().async_read_some(
        link_.buffer().prepare(kMaxHttpHeaderBytes),
        handler([](Upgrade& self, ErrorCode error, std::size_t bytes) {
          auto& buffer = self.link_.buffer();
          buffer.commit(bytes);
          if (error) {
            self.drop_without_request(error);
          } else if (*static_cast<const char*>(buffer.cdata().data()) == kFirstTlsByte) {
            self.refuse(self.link_.stream().next_layer(), tls_request_refusal());
          } else {
            self.read_header();
          }
        }));
  }

  void read_header() {
    parser_.emplace();
    parser_->header_limit(kMaxHttpHeaderBytes);
    http::async_read_header(link_.stream().next_layer(), link_.buffer(), *parser_,
                            handler([](Upgrade& self, ErrorCode error, std::size_t) { self.answer(error); }));
  }

  void drop_without_request(ErrorCode error) {
    link_.drop("the connection ended before an HTTP request: " + error.message());
  }

  void answer(ErrorCode error) {
    if (error && !is_malformed_request(error)) {
      drop_without_request(error);
      return;
    }
    auto refusal =
        error ? malformed_request(error) : refuse_request(parser_->get(), settings_.security, settings_.path);
    if (!refusal && link_.buffer().size() > 0) refusal = early_bytes();
    if (refusal) {
      refuse(link_.stream().next_layer(), std::move(*refusal));
      return;
    }
    link_.begin_websocket();
    link_.stream().async_accept(parser_->get(),
                                handler([](Upgrade& self, ErrorCode failed) { self.finish(failed); }));
  }

  template <typename Stream>
  void refuse(Stream& stream, HttpRefusal refusal) {
    refusal_ = std::move(refusal);
    fault_ = refusal_->fault;
    http::async_write(stream, refusal_->response, handler([](Upgrade& self, ErrorCode, std::size_t) {
                        self.link_.linger(self.refusal_->reason);
                      }));
  }

  // Either side.

  void finish(ErrorCode error) {
    parser_.reset();
    if (error == websocket::error::upgrade_declined) {
      declined();
    } else if (error && Transport::failed(error)) {
      transport_failed(error);  // in TLS 1.3 a listener looks at this side's certificate last
    } else if (error) {
      link_.drop("the WebSocket handshake failed: " + error.message());
    } else if (response_.count(http::field::sec_websocket_extensions) > 0 ||
               response_.count(http::field::sec_websocket_protocol) > 0) {
      // Never asked for by this side: a peer that takes one for granted would not be understood.
      fault_ = PeerFault::kRequest;
      link_.drop(
          "the WebSocket handshake failed: the peer agreed to an extension or a protocol nobody asked for");
    } else {
      response_ = {};
      link_.opened();
    }
  }

  /// The peer answered in HTTP.
  void declined() {
    if (response_.result() == http::status::unauthorized) {
      fault_ = PeerFault::kToken;
      link_.drop(fmt::format("refused: the {} wants {} token (401): give the same token on both sides",
                             settings_.peer, settings_.security.token.empty() ? "a" : "another"));
      return;
    }
    fault_ = PeerFault::kRequest;
    const std::string& text = response_.body();
    const std::string said =
        printable(std::string_view(text).substr(0, text.find('\n')).substr(0, kMaxAnswerShown));
    link_.drop(fmt::format("the {} answered HTTP {} instead of opening a WebSocket at {}{}{}", settings_.peer,
                           response_.result_int(), settings_.path, said.empty() ? "" : ": ", said));
  }

  Link& link_;
  const LinkSettings& settings_;
  const std::optional<Endpoint>& dialled_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  std::optional<HttpRefusal> refusal_;
  websocket::response_type response_;
  PeerFault fault_ = PeerFault::kNone;
};

}  // namespace genkidama
