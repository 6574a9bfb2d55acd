#include "run/sweep/run_list.h"

#include <utility>

#include "run/sweep/definition.h"

namespace genkidama::run {

RunList::RunList(const SweepDefinition& definition, std::filesystem::path sweep) : sweep_(std::move(sweep)) {
  for (SweepRun& run : runs_of(definition, sweep_)) add(std::move(run));
}

std::size_t RunList::place_of(const SweepPoint& point, std::uint64_t seed) {
  SweepRun run = run_of(point, seed, sweep_);
  const auto known = places_.find(run.name());
  if (known != places_.end()) return known->second;
  add(std::move(run));
  return runs_.size() - 1;
}

std::vector<std::string> RunList::varied() const {
  std::vector<SweepPoint> points;
  for (const SweepRun& run : runs_) points.push_back(run.point);
  return varied_options(points);
}

void RunList::add(SweepRun run) {
  places_.emplace(run.name(), runs_.size());
  runs_.push_back(std::move(run));
}

}  // namespace genkidama::run
