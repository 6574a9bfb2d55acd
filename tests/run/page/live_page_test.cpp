// A live page as its viewers see it: a run's figures over the WebSocket, and a thousand Children's in time.
#include "genkidama/run/live_page.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;
using nlohmann::json;

namespace {

LivePageOptions local_page() {
  LivePageOptions options;
  options.listen = {"127.0.0.1", 0};
  return options;
}

std::string file(const LivePage& page, const std::string& path) {
  RawPeer peer(page.port());
  peer.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return peer.read_to_end();
}

/// Reads until a message has the key.
json news_with(RawPeer& viewer, const std::string& key) {
  while (true) {
    const RawPeer::Received received = viewer.read();
    REQUIRE(received.opcode == 1);
    if (json news = json::parse(received.payload); news.contains(key)) return news[key];
  }
}

ParentStatus status_with(std::size_t children) {
  ParentStatus status;
  for (std::size_t i = 0; i < children; ++i) {
    ChildStatus child;
    child.name = fmt::format("child {}", i);
    status.children.push_back(child);
  }
  return status;
}

}  // namespace

TEST_CASE("the page's files are there, they ask nobody else for anything, and they are small") {
  LivePage page(local_page(), {.command = "train"});
  page.start();
  std::size_t bytes = 0;
  for (const char* path : {"/", "/page.css", "/page.js"}) {
    CAPTURE(path);
    const std::string answer = file(page, path);
    CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 200 OK\r\n"));
    const std::string content = answer.substr(answer.find("\r\n\r\n"));
    bytes += content.size();
    // The one address is the name of SVG.
    std::size_t addresses = 0;
    for (auto at = content.find("://"); at != std::string::npos; at = content.find("://", at + 1))
      ++addresses;
    CHECK(addresses <= 2);
    for (const char* word :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=\""})
      CHECK_THAT(content, !Catch::Contains(word));
  }
  CHECK(bytes > 10'000);
  CHECK(bytes <= 300 * 1024);
}

TEST_CASE("viewers are told a run's figures and machines, and what it came to") {
  LivePage page(local_page(), {.command = "parent", .name = "p"});
  page.on_start({.directory = "runs/x", .environment = "CartPole-v1", .progress = {}});
  const ParentStatus status = status_with(1000);
  // Nobody looks: nothing is put together.
  page.on_links({.parent = &status});
  page.start();
  RawPeer viewer(page.port());
  viewer.upgrade("/live");
  const json first = news_with(viewer, "run");
  CHECK(first["name"] == "p");
  CHECK(first["updates"] == 0);
  REQUIRE(eventually([&] { return page.viewers() == 1; }));
  page.on_links({.parent = &status});
  const json machines = news_with(viewer, "machines");
  CHECK(machines["machines"] == 1000);
  CHECK(machines["rows"].size() == kMaxMachinesOnLivePage);
  RunTotals totals;
  totals.updates = 3;
  page.on_update({totals, {.updates = 3, .in_run = {}, .mean_return = 7.5, .done = {}, .children = 1000}});
  const json later = news_with(viewer, "run");
  CHECK(later["mean_return"] == 7.5);
  CHECK(later["machines"] == 1000);
  RunSummary summary;
  summary.ended_by = "updates";
  page.on_end(summary);
  CHECK(news_with(viewer, "run")["ended_by"] == "updates");
}
