#pragma once

// The Link over one kind of stream: a plain one, or TLS. Private to link.cpp and tls_link.cpp.

#include "net/link/link.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>
#include <exception>
#include <optional>
#include <utility>

#include "genkidama/core/clock.h"
#include "genkidama/core/version.h"
#include "genkidama/wire/message.h"
#include "net/link/http_gate.h"
#include "net/link/peer_watch.h"
#include "net/link/watched_stream.h"

namespace genkidama {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

inline constexpr std::size_t kMaxTextsWaiting = 8;
// A dialling side masks what it sends through it; larger messages are sent in fragments of this size, so that
// a ping is answered although a frame takes hours.
inline constexpr std::size_t kWriteBufferBytes = 1 << 18;
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

inline std::string address_of(const tcp::socket& socket) {
  ErrorCode error;
  const tcp::endpoint endpoint = socket.remote_endpoint(error);
  return error ? std::string("unknown")
               : fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
}

/// `Transport` names the Stream below the WebSocket, makes one of a socket, and does what must be done before
/// HTTP: nothing, or a TLS handshake.
template <typename Transport>
class WebSocketLink final : public Link, public std::enable_shared_from_this<WebSocketLink<Transport>> {
 public:
  WebSocketLink(tcp::socket socket, std::shared_ptr<const LinkSettings> settings, std::size_t message_max,
                std::weak_ptr<LinkEvents> events, const std::optional<Endpoint>& dialled)
      : address_(address_of(socket)),
        settings_(std::move(settings)),
        limits_(settings_->limits),
        message_max_(message_max),
        events_(std::move(events)),
        dialled_(dialled),
        stream_(Transport::make(std::move(socket), *settings_, dialled.has_value())),
        deadline_(stream_.get_executor()),
        peer_timer_(stream_.get_executor()),
        watch_(limits_.idle_timeout, Clock::now()) {
    ErrorCode ignored;
    tcp_socket().set_option(tcp::no_delay(true), ignored);
  }

  void open() override {
    start_deadline(limits_.handshake_timeout, "the handshake took longer than {} ms");
    Transport::open(stream_.next_layer(), dialled_, handler([](WebSocketLink& self, ErrorCode error) {
                      if (self.closed_) return;
                      if (error) {
                        self.transport_failed(error);
                      } else if (self.dialled_) {
                        self.request_upgrade();
                      } else {
                        self.read_request();
                      }
                    }));
  }

  void established(std::size_t message_max) override {
    if (closed_ || closing_) return;
    deadline_.cancel();
    message_max_ = message_max;
    stream_.read_message_max(message_max_);
  }

  void send_text(std::string text) override {
    if (!open_ || closed_ || closing_) return;
    if (texts_.size() >= kMaxTextsWaiting) {
      drop("the peer does not read its messages");
      return;
    }
    texts_.push_back(std::move(text));
    write_next();
  }

  std::vector<std::byte> take_frame_buffer() override {
    // With one frame at a time, as in every exchange, this is always the same memory.
    if (!frame_in_flight_) return std::move(sent_.bytes);
    has_frame_ = false;
    return std::move(waiting_.bytes);
  }

  void send_frame(std::vector<std::byte> frame, std::span<const std::byte> rest,
                  std::shared_ptr<const void> owner) override {
    if (!open_ || closed_ || closing_) return;
    waiting_ = {std::move(frame), rest, std::move(owner)};
    has_frame_ = true;
    write_next();
  }

  bool sending_frame() const override { return has_frame_ || frame_in_flight_; }

  Clock::time_point last_progress() override {
    if (!closed_) look(Clock::now());
    return std::max(arrived_, watch_.frame_taken());
  }

  void close(std::string reason) override {
    if (closed_ || closing_) return;
    if (!open_) {
      drop(reason);
      return;
    }
    closing_ = true;
    close_reason_ = std::move(reason);
    has_frame_ = false;
    start_deadline(limits_.close_timeout, "");
    write_next();
  }

  void drop(const std::string& reason) override {
    if (closed_) return;
    closed_ = true;
    deadline_.cancel();
    peer_timer_.cancel();
    ErrorCode ignored;
    tcp_socket().close(ignored);
    if (const auto events = std::exchange(events_, {}).lock()) {
      events->on_closed(closing_ ? close_reason_ : reason);
    }
  }

  void drop_if_lost() override {
    if (lost_) drop(kNoMemory);
  }

  PeerFault fault() const override { return fault_; }

  const std::string& address() const override { return address_; }

 private:
  /// What is called when something is done. Whatever it throws ends this link and no other; and if it is
  /// thrown away without a call, since memory ended below, the link knows that it is lost.
  template <typename Action>
  class Handler {
   public:
    Handler(std::shared_ptr<WebSocketLink> link, Action action)
        : link_(std::move(link)), action_(std::move(action)) {}
    Handler(Handler&&) noexcept = default;
    ~Handler() {
      if (link_) link_->lost_ = true;
    }

    template <typename... Results>
    void operator()(const Results&... results) {
      const auto link = std::move(link_);
      try {
        action_(*link, results...);
      } catch (const std::exception& error) {
        link->fail(error);
      }
    }

   private:
    std::shared_ptr<WebSocketLink> link_;
    Action action_;
  };

  template <typename Action>
  Handler<Action> handler(Action action) {
    return {this->shared_from_this(), std::move(action)};
  }

  /// Called where `error` was caught.
  void fail(const std::exception& error) {
    // Then it is what was to follow from the end that failed; IoThread's recovery sees to that.
    if (closed_) throw;
    std::string reason;
    try {
      reason = fmt::format("internal error: {}", error.what());
    } catch (const std::exception&) {
      drop(kNoMemory);
      return;
    }
    drop(reason);
  }

  struct Frame {
    std::array<asio::const_buffer, 2> buffers() const {
      return {asio::buffer(bytes), asio::const_buffer(rest.data(), rest.size())};
    }

    std::vector<std::byte> bytes;
    std::span<const std::byte> rest;
    std::shared_ptr<const void> owner;
  };

  tcp::socket& tcp_socket() { return beast::get_lowest_layer(stream_).socket(); }
  const TransferRecord& transfers() { return beast::get_lowest_layer(stream_).rate_policy(); }

  /// Only who dials sends it.
  std::string token() const { return dialled_ ? settings_->security.token : std::string(); }

  void transport_failed(ErrorCode error) {
    fault_ = PeerFault::kTls;
    const std::string reason = Transport::describe(stream_.next_layer(), error, settings_->peer, dialled_);
    if (auto answer = Transport::plain_answer(error)) {
      answer->reason = reason;
      answer->fault = PeerFault::kTls;
      send_refusal(beast::get_lowest_layer(stream_), std::move(*answer));
    } else {
      linger(reason);
    }
  }

  /// Looks at the first bytes: the reader of HTTP would wait for the end of a header that never comes.
  void read_request() {
    stream_.next_layer().async_read_some(
        buffer_.prepare(kMaxHttpHeaderBytes),
        handler([](WebSocketLink& self, ErrorCode error, std::size_t bytes) {
          if (self.closed_) return;
          self.buffer_.commit(bytes);
          if (error) {
            self.drop("the connection ended before an HTTP request: " + error.message());
          } else if (*static_cast<const char*>(self.buffer_.cdata().data()) == kFirstTlsByte) {
            self.send_refusal(self.stream_.next_layer(), tls_request_refusal());
          } else {
            self.read_header();
          }
        }));
  }

  void read_header() {
    parser_.emplace();
    parser_->header_limit(kMaxHttpHeaderBytes);
    http::async_read_header(
        stream_.next_layer(), buffer_, *parser_,
        handler([](WebSocketLink& self, ErrorCode error, std::size_t) { self.on_request(error); }));
  }

  void request_upgrade() {
    set_options();
    stream_.async_handshake(response_, dialled_->authority(), settings_->path,
                            handler([](WebSocketLink& self, ErrorCode error) { self.on_upgraded(error); }));
  }

  void set_options() {
    // Beast's own would drop a peer that is sent a frame for long and says nothing meanwhile.
    stream_.set_option(websocket::stream_base::timeout{
        websocket::stream_base::none(), websocket::stream_base::none(), /*keep_alive_pings=*/false});
    stream_.set_option(websocket::stream_base::decorator(Signature{token()}));
    stream_.auto_fragment(true);
    stream_.write_buffer_bytes(kWriteBufferBytes);
    stream_.read_message_max(message_max_);
  }

  /// `text` is formatted with the span; a closing link has its own reason.
  void start_deadline(Milliseconds span, const char* text) {
    deadline_.expires_after(span);
    deadline_.async_wait(handler([span, text](WebSocketLink& self, ErrorCode error) {
      if (!error) self.drop(fmt::format(fmt::runtime(text), span.count()));
    }));
  }

  void on_request(ErrorCode error) {
    if (closed_) return;
    if (error && !is_malformed_request(error)) {
      drop("the connection ended before an HTTP request: " + error.message());
      return;
    }
    auto refusal = error ? malformed_request(error)
                         : refuse_request(parser_->get(), settings_->security, settings_->path);
    if (!refusal && buffer_.size() > 0) refusal = early_bytes();
    if (refusal) {
      send_refusal(stream_.next_layer(), std::move(*refusal));
      return;
    }
    set_options();
    stream_.async_accept(parser_->get(),
                         handler([](WebSocketLink& self, ErrorCode failed) { self.on_upgraded(failed); }));
  }

  template <typename Stream>
  void send_refusal(Stream& stream, HttpRefusal refusal) {
    refusal_ = std::move(refusal);
    fault_ = refusal_->fault;
    http::async_write(stream, refusal_->response, handler([](WebSocketLink& self, ErrorCode, std::size_t) {
                        if (!self.closed_) self.linger(self.refusal_->reason);
                      }));
  }

  /// Drops the link once the peer has read why: closed at once, what it still sends would make the system
  /// throw away what it was sent last.
  void linger(const std::string& reason) {
    closing_ = true;
    close_reason_ = reason;
    start_deadline(limits_.close_timeout, "");
    ErrorCode ignored;
    tcp_socket().shutdown(tcp::socket::shutdown_send, ignored);
    discard();
  }

  void discard() {
    beast::get_lowest_layer(stream_).async_read_some(
        asio::buffer(discarded_), handler([](WebSocketLink& self, ErrorCode error, std::size_t) {
          if (self.closed_) return;
          if (error) {
            self.drop(self.close_reason_);
          } else {
            self.discard();
          }
        }));
  }

  void on_upgraded(ErrorCode error) {
    if (closed_) return;
    parser_.reset();
    if (error == websocket::error::upgrade_declined) {
      declined();
      return;
    }
    if (error) {
      if (Transport::failed(error)) {
        transport_failed(error);  // in TLS 1.3 a listener looks at this side's certificate last
      } else {
        drop("the WebSocket handshake failed: " + error.message());
      }
      return;
    }
    // Never asked for by this side: a peer that takes one for granted would not be understood.
    for (const auto field : {http::field::sec_websocket_extensions, http::field::sec_websocket_protocol}) {
      if (response_.count(field) == 0) continue;
      fault_ = PeerFault::kRequest;
      drop("the WebSocket handshake failed: the peer agreed to an extension or a protocol nobody asked for");
      return;
    }
    response_ = {};
    open_ = true;
    watch_peer(Clock::now());
    if (tell([](LinkEvents& events) { events.on_open(); })) read();
  }

  /// The peer answered in HTTP.
  void declined() {
    if (response_.result() == http::status::unauthorized) {
      fault_ = PeerFault::kToken;
      drop(fmt::format("refused: the {} wants {} token (401): give the same --token-file on both sides",
                       settings_->peer, settings_->security.token.empty() ? "a" : "another"));
      return;
    }
    fault_ = PeerFault::kRequest;
    const std::string& text = response_.body();
    const std::string said =
        printable(std::string_view(text).substr(0, text.find('\n')).substr(0, kMaxAnswerShown));
    drop(fmt::format("the {} answered HTTP {} instead of opening a WebSocket at {}{}{}", settings_->peer,
                     response_.result_int(), settings_->path, said.empty() ? "" : ": ", said));
  }

  void read() {
    if (closed_ || closing_ || reading_) return;
    if (settings_->in_step && (writing_ || has_frame_ || !texts_.empty())) return;  // later
    reading_ = true;
    read_part();
  }

  void read_part() {
    stream_.async_read_some(
        buffer_.prepare(stream_.read_size_hint(buffer_)),
        handler([](WebSocketLink& self, ErrorCode error, std::size_t bytes) { self.on_part(error, bytes); }));
  }

  void on_part(ErrorCode error, std::size_t bytes) {
    if (closed_) return;
    if (error) {
      drop(describe(error));
      return;
    }
    buffer_.commit(bytes);
    arrived_ = transfers().heard();
    if (closing_) return;
    if (stream_.is_message_done()) {
      on_message();
      return;
    }
    // At once what it may come to, instead of growing by copying.
    if (buffer_.size() >= kWriteBufferBytes) buffer_.reserve(message_max_);
    read_part();
  }

  void on_message() {
    const auto data = buffer_.cdata();
    const auto* bytes = static_cast<const char*>(data.data());
    const bool told = tell([&](LinkEvents& events) {
      if (stream_.got_text()) {
        events.on_text({bytes, data.size()});
      } else {
        events.on_binary(std::as_bytes(std::span(bytes, data.size())));
      }
    });
    buffer_.consume(buffer_.size());
    reading_ = false;
    if (told) read();
  }

  void write_next() {
    if (closed_ || writing_) return;
    if (!texts_.empty()) {
      text_in_flight_ = std::move(texts_.front());
      texts_.pop_front();
      stream_.text(true);
      write(asio::const_buffer(asio::buffer(text_in_flight_)));
    } else if (has_frame_) {
      sent_ = std::move(waiting_);
      has_frame_ = false;
      frame_in_flight_ = true;
      watch_.frame_begins();
      stream_.binary(true);
      write(sent_.buffers());
    } else if (closing_ && !close_sent_) {
      close_sent_ = true;
      stream_.async_close(websocket::close_code::normal,
                          handler([](WebSocketLink& self, ErrorCode) { self.drop(self.close_reason_); }));
    }
  }

  template <typename Buffers>
  void write(const Buffers& data) {
    writing_ = true;
    stream_.async_write(data, handler([](WebSocketLink& self, ErrorCode error, std::size_t) {
                          if (self.frame_in_flight_) self.watch_.frame_written(self.transfers().written());
                          self.writing_ = self.frame_in_flight_ = false;
                          self.sent_.owner.reset();
                          if (self.closed_) return;
                          if (error) {
                            self.drop(self.describe(error));
                          } else {
                            self.write_next();
                            if (self.settings_->in_step) self.read();
                          }
                        }));
  }

  /// Now and then, whatever is sent meanwhile: setting and cancelling a timer for every message costs as much
  /// as sending a small one.
  void watch_peer(Clock::time_point due) {
    peer_timer_.expires_at(due);
    peer_timer_.async_wait(handler([due](WebSocketLink& self, ErrorCode error) {
      if (!error && !self.closed_) self.look_after_peer(due);
    }));
  }

  void look_after_peer(Clock::time_point due) {
    const auto now = Clock::now();
    look(now);
    // If this process was stopped, what came meanwhile is read first.
    const auto objection = now - due < kStopped ? watch_.objection(now) : std::nullopt;
    if (objection) {
      abandon_unsent(tcp_socket());
      drop(*objection);
      return;
    }
    if (!closing_ && !pinging_ && watch_.wants_ping(now)) ping(now);
    watch_peer(watch_.next(now));
  }

  void look(Clock::time_point now) {
    watch_.look({transfers().heard(), transfers().written(), unacknowledged_bytes(tcp_socket()),
                 unread_bytes(tcp_socket())},
                now);
  }

  void ping(Clock::time_point now) {
    pinging_ = true;
    watch_.pinged(now);
    // An error shows where the link is read.
    stream_.async_ping({}, handler([](WebSocketLink& self, ErrorCode) { self.pinging_ = false; }));
  }

  /// Whether the link may go on.
  template <typename Event>
  bool tell(const Event& event) {
    const auto events = events_.lock();
    if (!events) {
      drop("nobody uses the link");
      return false;
    }
    try {
      event(*events);
    } catch (const std::exception& error) {
      fail(error);
    }
    return !closed_;
  }

  std::string describe(ErrorCode error) const {
    // Also if it reset the connection when it had said why it closes.
    if (error == websocket::error::closed || stream_.reason().code != websocket::close_code::none) {
      const std::string_view said(stream_.reason().reason.data(), stream_.reason().reason.size());
      return said.empty() ? std::string("the peer closed the link")
                          : "the peer closed the link: " + printable(said);
    }
    if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow) {
      return fmt::format("a message larger than {} bytes", message_max_);
    }
    return "the link broke: " + error.message();
  }

  const std::string address_;
  const std::shared_ptr<const LinkSettings> settings_;
  const LinkLimits& limits_;
  std::size_t message_max_;
  std::weak_ptr<LinkEvents> events_;
  const std::optional<Endpoint> dialled_;
  // Without permessage-deflate: a small hostile message can make it ask for any amount of memory.
  websocket::stream<typename Transport::Stream, /*deflateSupported=*/false> stream_;
  asio::steady_timer deadline_;  // of the handshake, then of the closing
  asio::steady_timer peer_timer_;
  PeerWatch watch_;
  Clock::time_point arrived_{};  // of the last part of a message
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  std::optional<HttpRefusal> refusal_;
  websocket::response_type response_;
  std::array<char, 1024> discarded_{};
  std::deque<std::string> texts_;
  std::string text_in_flight_, close_reason_;
  Frame waiting_, sent_;  // the second is being sent, or has been
  bool has_frame_ = false, frame_in_flight_ = false, reading_ = false, writing_ = false, pinging_ = false;
  PeerFault fault_ = PeerFault::kNone;
  bool open_ = false, closing_ = false, close_sent_ = false, closed_ = false;
  bool lost_ = false;  // something that was under way will never be told
};

}  // namespace genkidama
