// Input: a byte that says what the listener wants, the request.

#include "net/asio.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

#include "fuzz/targets.h"
#include "genkidama/wire/protocol.h"
#include "net/link/http_gate.h"

namespace genkidama::fuzz {
namespace {

namespace http = boost::beast::http;

constexpr unsigned kWantsToken = 1, kKnowsOrigin = 2, kAnyPath = 4;

}  // namespace

void http_request(Input input) {
  if (input.empty()) return;
  LinkSecurity security;
  if (input[0] & kWantsToken) security.token = "sesame";
  if (input[0] & kKnowsOrigin) security.allowed_origins = {"https://page.example"};
  const std::string path = input[0] & kAnyPath ? "" : kWebSocketPath;

  http::request_parser<http::empty_body> parser;
  parser.header_limit(kMaxHttpHeaderBytes);
  ErrorCode error;
  parser.put(asio::buffer(input.data() + 1, input.size() - 1), error);
  if (error == http::error::need_more) return;
  if (error && is_malformed_request(error)) {
    const auto refusal = malformed_request(error);
    require(refusal.response.result_int() == 400, "what is no HTTP gets 400");
    require_printable(refusal.reason);
  }
  if (error || !parser.is_header_done()) return;

  const auto& request = parser.get();
  const auto refusal = refuse_request(request, security, path);
  if (refusal) {
    require(refusal->response.result_int() >= 400, "a refusal says so");
    require(refusal->reason.find("sesame") == std::string::npos, "a token is in no reason");
    std::ostringstream answer;
    answer << refusal->response;
    require(answer.str().find("sesame") == std::string::npos, "a token is in no answer");
    require_printable(refusal->reason);
    return;
  }
  require(request.method() == http::verb::get && request.version() == 11, "GET in HTTP/1.1");
  require(request.count(http::field::host) == 1, "one Host");
  require(path.empty() || request.target() == path, "the path");
  if (request.count(http::field::origin) > 0) {
    require((input[0] & kKnowsOrigin) && request.count(http::field::origin) == 1 &&
                request[http::field::origin] == "https://page.example",
            "no Origin but a known one");
  }
  if (input[0] & kWantsToken) {
    const auto given = request[http::field::authorization];
    require(request.count(http::field::authorization) == 1 && given.size() == 13 &&
                boost::beast::iequals(given.substr(0, 7), "Bearer ") && given.substr(7) == "sesame",
            "the token");
  }
}

}  // namespace genkidama::fuzz
