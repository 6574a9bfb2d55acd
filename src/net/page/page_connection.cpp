#include "net/page/page_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <utility>

#include "genkidama/core/version.h"
#include "net/host/admission.h"
#include "net/link/http_gate.h"

namespace genkidama {
namespace {

namespace http = boost::beast::http;

}  // namespace

PageConnection::PageConnection(tcp::socket socket, std::shared_ptr<ConnectionCounts> counts,
                               const PageOptions& options, const std::function<std::string()>& content,
                               const std::function<void(const std::string&)>& refused)
    : counts_(std::move(counts)),
      from_(remote_address(socket)),
      options_(options),
      content_(content),
      refused_(refused),
      stream_(std::move(socket)) {
  ++(*counts_)[from_];
}

PageConnection::~PageConnection() {
  const auto mine = counts_->find(from_);
  if (mine != counts_->end() && --mine->second == 0) counts_->erase(mine);
}

void PageConnection::start() {
  parser_.header_limit(kMaxHttpHeaderBytes);
  stream_.expires_after(options_.limits.handshake_timeout);
  http::async_read_header(stream_, buffer_, parser_,
                          [self = shared_from_this()](ErrorCode error, std::size_t) { self->answer(error); });
}

void PageConnection::answer(ErrorCode error) {
  // Nobody is there to be answered.
  if (error && !is_malformed_request(error)) return;
  auto refusal = error ? malformed_request(error)
                       : refuse_page_request(parser_.get(), options_.path, options_.token,
                                             options_.listen.is_loopback());
  if (!refusal) {
    send(page());
    return;
  }
  refused_(from_.to_string() + ": " + refusal->reason);
  send(std::move(refusal->response));
}

PageConnection::Response PageConnection::page() const {
  Response response(http::status::ok, 11);
  response.set(http::field::server, std::string("genkidama/") + kVersion);
  response.set(http::field::content_type, options_.content_type);
  response.set(http::field::cache_control, "no-store");
  response.keep_alive(false);
  response.body() = content_();
  response.prepare_payload();
  return response;
}

void PageConnection::send(Response response) {
  response_ = std::move(response);
  stream_.expires_after(options_.limits.handshake_timeout);
  http::async_write(stream_, *response_, [self = shared_from_this()](ErrorCode error, std::size_t) {
    if (error) return;
    ErrorCode ignored;
    self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    self->stream_.expires_after(self->options_.limits.close_timeout);
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
