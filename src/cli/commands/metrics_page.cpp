#include "cli/commands/metrics_page.h"

#include <utility>
#include <vector>

#include "cli/options/settings_check.h"

namespace genkidama::cli {

std::unique_ptr<run::MetricsPage> open_metrics_page(const Job& job) {
  const auto listen = metrics_endpoint(job.settings);
  if (!listen) return nullptr;
  PageOptions options;
  options.listen = *listen;
  options.token = job.settings.links.token;
  options.insecure = job.settings.links.insecure;
  auto page = std::make_unique<run::MetricsPage>(std::move(options), command_name(job.settings.command));
  page->start();
  return page;
}

run::RunObservers observers_of(std::initializer_list<run::RunObserver*> observers) {
  std::vector<run::RunObserver*> there;
  for (run::RunObserver* each : observers) {
    if (each != nullptr) there.push_back(each);
  }
  return run::RunObservers(std::move(there));
}

}  // namespace genkidama::cli
