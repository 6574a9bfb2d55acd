#pragma once

/// @file
/// A peer's run: it trains on this machine, averages with its neighbours, and keeps its files.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/net/peer.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// A Peer in a run directory. It ends by its own limits, evaluates its own policy, and its neighbours go on
/// without it. A process that goes on with the run has its own weights, unless a neighbour has trained for
/// more rounds by then.
///
/// **Threads.** As those of ChildRun.
class PeerRun {
 public:
  /// Opens the directory, as TrainerRun does. PeerOptions::round_number is ignored: the run's own state says
  /// how far it is. Throws as TrainerRun.
  PeerRun(CoreOrchestrator& trainer, RunOptions options, PeerOptions peer, RunObserver* observer = nullptr);
  ~PeerRun();
  PeerRun(const PeerRun&) = delete;
  PeerRun& operator=(const PeerRun&) = delete;

  /// Makes a Peer of the options and trains until a limit of RunOptions is reached, or somebody asks for the
  /// end. Then it leaves its neighbours, writes the final files and evaluates. To be called once. Throws as
  /// TrainerRun::advance(), Peer's constructor and Peer::run(); summary.json then says what was wrong.
  ///
  /// metrics.csv has for each round the neighbours that were there and those averaged with, the mean and the
  /// greatest distance to them, seconds waited, and bytes. summary.json has a list of all neighbours.
  RunSummary run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace run
}  // namespace genkidama
