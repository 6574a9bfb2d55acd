// Runs the cases of a conformance suite's server against the library's own session class, as a client that
// sends every message back.
//
//   genkidama_echo_client HOST PORT [--agent NAME] [--cases N]
//
// Asks /getCaseCount unless --cases says how many there are, then opens /runCase?case=1&agent=NAME and so on,
// and at the end /updateReports?agent=NAME. Ends with 0 when every case was opened, whatever came of it.

#include "net/asio.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "support/echo_session.h"

namespace {

using namespace genkidama;

/// One connection, from its first byte to its last; returns why it ended.
std::string visit(const Endpoint& server, const std::string& path, test::EchoSession::Text on_text = {}) {
  asio::io_context context(1);
  tcp::socket socket(context);
  asio::connect(socket, tcp::resolver(context).resolve(server.host, std::to_string(server.port)));
  std::string ended_by;
  test::EchoSession::start(std::move(socket), test::echo_settings(path), dialled(server), std::move(on_text),
                           [&](const std::string& reason) { ended_by = reason; });
  context.run();
  return ended_by;
}

template <typename Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
  return bad == std::errc() && end == text.data() + text.size();
}

int usage() {
  std::fputs("usage: genkidama_echo_client HOST PORT [--agent NAME] [--cases N]\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc % 2 == 0) return usage();
  Endpoint server{argv[1], 0};
  std::string agent = "genkidama";
  int cases = -1;
  if (!parse(argv[2], server.port)) return usage();
  for (int i = 3; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--agent") {
      agent = argv[i + 1];
    } else if (flag != "--cases" || !parse(argv[i + 1], cases)) {
      return usage();
    }
  }
  try {
    if (cases < 0) {
      const std::string ended =
          visit(server, "/getCaseCount", [&](std::string_view text) { parse(text, cases); });
      if (cases < 0) {
        fmt::print(stderr, "echo client: /getCaseCount gave no number: {}\n", ended);
        return 1;
      }
    }
    for (int number = 1; number <= cases; ++number) {
      const std::string ended = visit(server, fmt::format("/runCase?case={}&agent={}", number, agent));
      fmt::print("case {}: {}\n", number, ended);
    }
    visit(server, "/updateReports?agent=" + agent);
  } catch (const std::exception& error) {
    fmt::print(stderr, "echo client: {}\n", error.what());
    return 1;
  }
  return 0;
}
