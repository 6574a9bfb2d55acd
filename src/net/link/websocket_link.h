#pragma once

// The Link over one kind of stream: a plain one, or TLS. Private to link.cpp and tls_link.cpp.

#include "net/link/link.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "genkidama/core/clock.h"
#include "net/link/outbox.h"
#include "net/link/peer_watch.h"
#include "net/link/upgrade.h"
#include "net/link/watched_stream.h"

namespace genkidama {

// A dialling side masks what it sends through it; larger messages are sent in fragments of this size, so that
// a ping is answered although a frame takes hours.
inline constexpr std::size_t kWriteBufferBytes = 1 << 18;

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
                std::weak_ptr<LinkEvents> events, const LinkOrigin& origin)
      : address_(address_of(socket)),
        settings_(std::move(settings)),
        limits_(settings_->limits),
        message_max_(message_max),
        events_(std::move(events)),
        dialled_(origin.dialled),
        stream_(Transport::make(std::move(socket), *settings_, dialled_.has_value())),
        deadline_(stream_.get_executor()),
        peer_timer_(stream_.get_executor()),
        watch_(limits_.idle_timeout, Clock::now()),
        upgrade_(*this, *settings_, dialled_) {
    ErrorCode ignored;
    tcp_socket().set_option(tcp::no_delay(true), ignored);
  }

  void open() override {
    start_deadline(limits_.handshake_timeout, "the handshake took longer than {} ms");
    upgrade_.start();
  }

  void established(std::size_t message_max) override {
    if (phase_ != Phase::kOpen) return;
    deadline_.cancel();
    message_max_ = message_max;
    stream_.read_message_max(message_max_);
  }

  void send_text(std::string text) override {
    if (phase_ != Phase::kOpen) return;
    if (outbox_.add_text(std::move(text))) {
      write_next();
    } else {
      drop("the peer does not read its messages");
    }
  }

  std::vector<std::byte> take_frame_buffer() override { return outbox_.take_frame_buffer(); }

  void send_frame(std::vector<std::byte> frame, std::span<const std::byte> rest,
                  std::shared_ptr<const void> owner) override {
    if (phase_ != Phase::kOpen) return;
    outbox_.set_frame({std::move(frame), rest, std::move(owner)});
    write_next();
  }

  bool sending_frame() const override { return outbox_.has_frame(); }

  void hold_message() override { message_held_ = true; }

  void release_message() override {
    if (std::exchange(message_held_, false)) end_message();
  }

  Clock::time_point last_progress() override {
    if (!closed()) look(Clock::now());
    return std::max(arrived_, watch_.frame_taken());
  }

  void close(std::string reason) override {
    if (phase_ == Phase::kClosing || closed()) return;
    if (phase_ != Phase::kOpen) {
      drop(reason);
      return;
    }
    begin_closing(std::move(reason));
    outbox_.give_up_waiting_frame();
    write_next();
  }

  void drop(const std::string& reason) override {
    if (closed()) return;
    const bool was_closing = std::exchange(phase_, Phase::kClosed) == Phase::kClosing;
    deadline_.cancel();
    peer_timer_.cancel();
    ErrorCode ignored;
    tcp_socket().close(ignored);
    if (const auto events = std::exchange(events_, {}).lock()) {
      events->on_closed(was_closing ? close_reason_ : reason);
    }
  }

  void drop_if_lost() override {
    if (lost_) drop(kNoMemory);
  }

  PeerFault fault() const override { return upgrade_.fault(); }

  const std::string& address() const override { return address_; }

 private:
  friend class Upgrade<WebSocketLink, Transport>;

  enum class Phase {
    kTransport,  ///< before HTTP: a TLS handshake, or nothing
    kRequest,    ///< this side accepted the connection and reads the HTTP request
    kUpgrading,  ///< the WebSocket is being opened
    kOpen,       ///< messages come and go
    kClosing,    ///< told to close: what waits is still sent, and the reason is in close_reason_
    kClosed,     ///< the socket is closed, and on_closed was told
  };

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
    // The link is already closed, so the failure came from cleanup code: IoThread::recover() retries it.
    if (closed()) throw;
    std::string reason;
    try {
      reason = fmt::format("internal error: {}", error.what());
    } catch (const std::exception&) {
      drop(kNoMemory);
      return;
    }
    drop(reason);
  }

  bool closed() const { return phase_ == Phase::kClosed; }
  tcp::socket& tcp_socket() { return beast::get_lowest_layer(stream_).socket(); }
  const TransferRecord& transfers() { return beast::get_lowest_layer(stream_).rate_policy(); }

  // What Upgrade asks for.

  auto& stream() { return stream_; }
  beast::flat_buffer& buffer() { return buffer_; }
  Upgrade<WebSocketLink, Transport>& upgrade() { return upgrade_; }

  void begin_request() { phase_ = Phase::kRequest; }

  void begin_websocket() {
    phase_ = Phase::kUpgrading;
    // Beast's own would drop a peer that is sent a frame for long and says nothing meanwhile.
    stream_.set_option(websocket::stream_base::timeout{
        websocket::stream_base::none(), websocket::stream_base::none(), /*keep_alive_pings=*/false});
    stream_.set_option(websocket::stream_base::decorator(upgrade_.signature()));
    stream_.auto_fragment(true);
    stream_.write_buffer_bytes(kWriteBufferBytes);
    stream_.read_message_max(message_max_);
  }

  void opened() {
    phase_ = Phase::kOpen;
    watch_peer(Clock::now());
    if (tell([](LinkEvents& events) { events.on_open(); })) read();
  }

  /// Drops the link once the peer has read why: closed at once, what it still sends would make the system
  /// throw away what it was sent last.
  void linger(const std::string& reason) {
    begin_closing(reason);
    ErrorCode ignored;
    tcp_socket().shutdown(tcp::socket::shutdown_send, ignored);
    discard();
  }

  // Deadlines.

  /// `text` is formatted with the span; a closing link has its own reason.
  void start_deadline(Milliseconds span, const char* text) {
    deadline_.expires_after(span);
    deadline_.async_wait(handler([span, text](WebSocketLink& self, ErrorCode error) {
      if (!error) self.drop(fmt::format(fmt::runtime(text), span.count()));
    }));
  }

  void begin_closing(std::string reason) {
    phase_ = Phase::kClosing;
    close_reason_ = std::move(reason);
    start_deadline(limits_.close_timeout, "");
  }

  // Reading.

  void discard() {
    beast::get_lowest_layer(stream_).async_read_some(
        asio::buffer(discarded_), handler([](WebSocketLink& self, ErrorCode error, std::size_t) {
          if (self.closed()) return;
          if (error) {
            self.drop(self.close_reason_);
          } else {
            self.discard();
          }
        }));
  }

  void read() {
    if (phase_ != Phase::kOpen || reading_) return;
    if (settings_->in_step && !outbox_.is_idle()) return;  // later
    reading_ = true;
    read_part();
  }

  void read_part() {
    stream_.async_read_some(
        buffer_.prepare(stream_.read_size_hint(buffer_)),
        handler([](WebSocketLink& self, ErrorCode error, std::size_t bytes) { self.on_part(error, bytes); }));
  }

  void on_part(ErrorCode error, std::size_t bytes) {
    if (closed()) return;
    if (error) {
      drop(describe(error));
      return;
    }
    buffer_.commit(bytes);
    arrived_ = transfers().heard();
    if (phase_ == Phase::kClosing) return;
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
    if (told && message_held_) return;
    end_message();
  }

  void end_message() {
    buffer_.consume(buffer_.size());
    reading_ = false;
    // Not once it closes, or is closed.
    read();
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
    return !closed();
  }

  // Writing.

  void write_next() {
    if (closed() || outbox_.writing() != Outbox::Writing::kNothing) return;
    switch (outbox_.begin_next()) {
      case Outbox::Writing::kText:
        stream_.text(true);
        write(asio::const_buffer(asio::buffer(outbox_.text())));
        return;
      case Outbox::Writing::kFrame:
        watch_.frame_begins();
        stream_.binary(true);
        write(outbox_.frame().buffers());
        return;
      case Outbox::Writing::kNothing:
        if (phase_ == Phase::kClosing) send_close();
        return;
    }
  }

  template <typename Buffers>
  void write(const Buffers& data) {
    stream_.async_write(
        data, handler([](WebSocketLink& self, ErrorCode error, std::size_t) { self.on_written(error); }));
  }

  void on_written(ErrorCode error) {
    const bool was_frame = outbox_.writing() == Outbox::Writing::kFrame;
    if (was_frame) watch_.frame_written(transfers().written());
    outbox_.written();
    if (closed()) return;
    if (error) {
      drop(describe(error));
      return;
    }
    write_next();
    if (settings_->in_step) read();
    if (was_frame && phase_ == Phase::kOpen && !outbox_.has_frame())
      tell([](LinkEvents& events) { events.on_frame_sent(); });
  }

  void send_close() {
    if (std::exchange(close_sent_, true)) return;
    stream_.async_close(websocket::close_code::normal,
                        handler([](WebSocketLink& self, ErrorCode) { self.drop(self.close_reason_); }));
  }

  // Whether the peer is there.

  /// Now and then, whatever is sent meanwhile: setting and cancelling a timer for every message costs as much
  /// as sending a small one.
  void watch_peer(Clock::time_point due) {
    peer_timer_.expires_at(due);
    peer_timer_.async_wait(handler([due](WebSocketLink& self, ErrorCode error) {
      if (!error && !self.closed()) self.look_after_peer(due);
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
    if (phase_ == Phase::kOpen && !pinging_ && watch_.wants_ping(now)) ping(now);
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
  Upgrade<WebSocketLink, Transport> upgrade_;
  Outbox outbox_;
  Phase phase_ = Phase::kTransport;
  std::string close_reason_;
  std::array<char, 1024> discarded_{};
  bool reading_ = false, message_held_ = false, pinging_ = false, close_sent_ = false;
  bool lost_ = false;  // a handler was thrown away, so something under way will never be told
};

}  // namespace genkidama
