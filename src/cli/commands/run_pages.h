#pragma once

/// @file
/// The pages of --metrics and --page, and the log that the latter shows.

#include <initializer_list>
#include <memory>

#include "cli/commands/job.h"
#include "genkidama/run/live_page.h"
#include "genkidama/run/metrics_page.h"
#include "genkidama/run/run_observer.h"

namespace genkidama::cli {

/// The pages of a run; nullptr for what was not asked for.
struct RunPages {
  std::unique_ptr<run::MetricsPage> metrics;
  std::unique_ptr<run::LivePage> live;
};

/// Messages go above a live line from now on, and are kept for --page. Before any process is forked.
void begin_log(Job& job);

/// The pages that the job asks for, which are there from now on. To be called when the workers have been
/// forked. The live page shows an agent that plays the policy of `trainer` where it can: an environment of
/// the program's own, which is a simulation (EnvironmentSpec::repeatable). It is forked here, so there may be
/// no threads yet; nullptr: no agent. Throws as run::MetricsPage and run::LivePage.
RunPages open_pages(const Job& job, const CoreOrchestrator* trainer);

/// All of them that are not nullptr.
run::RunObservers observers_of(std::initializer_list<run::RunObserver*> observers);

}  // namespace genkidama::cli
