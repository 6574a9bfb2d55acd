#include "net/page/page_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <utility>

#include "net/link/http_gate.h"

namespace genkidama {
namespace {

namespace http = boost::beast::http;

}  // namespace

PageConnection::PageConnection(tcp::socket socket, CountedConnection counted, const PageService& service)
    : counted_(std::move(counted)), service_(service), stream_(std::move(socket)) {}

void PageConnection::start() {
  parser_.header_limit(kMaxHttpHeaderBytes);
  stream_.expires_after(service_.limits.handshake_timeout);
  http::async_read_header(stream_, buffer_, parser_,
                          [self = shared_from_this()](ErrorCode error, std::size_t) { self->answer(error); });
}

void PageConnection::answer(ErrorCode error) {
  // Nobody is there to be answered.
  if (error && !is_malformed_request(error)) return;
  auto refusal = error ? malformed_request(error) : service_.refuse(parser_.get());
  // Nothing may come behind a request: its answer ends the connection, and a WebSocket is not open yet.
  if (!refusal && buffer_.size() > 0) refusal = early_bytes();
  if (refusal) {
    service_.refused(counted_.text() + ": " + refusal->reason);
    send(std::move(refusal->response));
  } else if (service_.upgrade && boost::beast::websocket::is_upgrade(parser_.get())) {
    service_.upgrade(std::move(stream_), parser_.release(), std::move(counted_));
  } else {
    send(service_.respond(parser_.get()));
  }
}

void PageConnection::send(PageResponse response) {
  response_ = std::move(response);
  stream_.expires_after(service_.limits.handshake_timeout);
  http::async_write(stream_, *response_, [self = shared_from_this()](ErrorCode error, std::size_t) {
    if (error) return;
    ErrorCode ignored;
    self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    self->stream_.expires_after(self->service_.limits.close_timeout);
    self->discard();
  });
}

void PageConnection::discard() {
  stream_.async_read_some(asio::buffer(discarded_),
                          [self = shared_from_this()](ErrorCode error, std::size_t) {
                            if (!error) self->discard();
                          });
}

}  // namespace genkidama
