#pragma once

/// @file
/// The page of --metrics.

#include <initializer_list>
#include <memory>

#include "cli/commands/job.h"
#include "genkidama/run/metrics_page.h"
#include "genkidama/run/run_observer.h"

namespace genkidama::cli {

/// The page that the job asks for, which is there from now on; nullptr when it asks for none. To be called
/// when the workers have been forked. Throws as run::MetricsPage.
std::unique_ptr<run::MetricsPage> open_metrics_page(const Job& job);

/// All of them that are not nullptr.
run::RunObservers observers_of(std::initializer_list<run::RunObserver*> observers);

}  // namespace genkidama::cli
