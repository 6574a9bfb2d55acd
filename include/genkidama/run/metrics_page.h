#pragma once

/// @file
/// A page with a run's figures, for Prometheus and whoever reads its text format.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/net/page_server.h"
#include "genkidama/run/run_observer.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// Of how many peers the page has figures of their own, at most; those of the others are summed under the
/// name
/// "(others)". They are the first in the order of their names, so that the same ones are shown again.
inline constexpr std::size_t kMaxPeersOnPage = 100;

/// Serves /metrics in the text format of Prometheus (version 0.0.4), on a thread of its own. Give it to a run
/// as an observer. Figures are those of the run's last update, and of its links a quarter of a second old at
/// most while the run tells of them. Counters of the run go on where an earlier process has left them; those
/// of links begin with the process.
class MetricsPage : public RunObserver {
 public:
  /// `command` names what runs, such as "parent". Throws as PageServer.
  MetricsPage(PageOptions options, std::string command);
  ~MetricsPage() override;

  /// As PageServer::start(). Call it once the trainer has forked its workers.
  void start();
  /// As PageServer::port().
  std::uint16_t port() const;

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
