#pragma once

/// @file
/// A page for a browser that shows a run while it goes on.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/net/live_page_server.h"
#include "genkidama/run/recent_log.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/watched_agent.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// Of how many machines a live page has a row, at most: those first that need looking at (late, not
/// connected, stale). Of the others it tells their number, and sums.
inline constexpr std::size_t kMaxMachinesOnLivePage = 200;

/// What a live page shows beside what its run tells it.
struct LivePageContents {
  std::string command;                     ///< what runs, such as "parent"
  std::string name{};                      ///< what others call this process; empty: nothing is shown
  std::shared_ptr<const RecentLog> log{};  ///< its last lines; nullptr: none are shown
  /// Plays the run's policy for viewers; the page gives it policies. nullptr: no agent is shown.
  std::shared_ptr<WatchedAgent> agent{};
};

/// Serves a page with a run's figures, curves, machines and last log lines, which changes while the run goes
/// on, on a thread of its own. Give it to a run as an observer. It only tells: nobody can change the run
/// through it. While nobody looks, an update costs a few additions, so that the curves are whole for whoever
/// comes later; figures are put together only for viewers, at most four times a second, and those of machines
/// twice. The curves of a resumed run begin with the rows of its metrics.csv.
class LivePage : public RunObserver {
 public:
  /// Throws as LivePageServer.
  LivePage(LivePageOptions options, LivePageContents contents);
  ~LivePage() override;

  /// As LivePageServer::start(). Call it once the trainer has forked its workers.
  void start();
  /// As LivePageServer::port().
  std::uint16_t port() const;
  /// As LivePageServer::viewers().
  std::size_t viewers() const;

  void on_start(const RunInfo& info) override;
  void on_update(const UpdateEvent& event) override;
  void on_wait(const RunProgress& progress) override;
  void on_links(const LinksEvent& event) override;
  void on_evaluation(const EvaluationEvent& event) override;
  void on_end(const RunSummary& summary) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace run
}  // namespace genkidama
