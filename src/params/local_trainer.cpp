#include "genkidama/params/local_trainer.h"

#include <algorithm>

namespace genkidama {

std::vector<MetricMean> metric_means(const std::vector<std::string>& names,
                                     const std::vector<EpisodeResult>& episodes) {
  std::vector<MetricMean> means;
  const auto count =
      static_cast<double>(std::count_if(episodes.begin(), episodes.end(), [&](const auto& each) {
        return each.metrics.size() == names.size();
      }));
  if (count == 0) return means;
  for (std::size_t i = 0; i < names.size(); ++i) {
    double sum = 0;
    for (const EpisodeResult& episode : episodes) {
      if (episode.metrics.size() == names.size()) sum += static_cast<double>(episode.metrics[i]);
    }
    means.push_back({names[i], sum / count});
  }
  return means;
}

}  // namespace genkidama
