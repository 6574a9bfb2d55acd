#pragma once

/// @file
/// The runs that a sweep's directory holds or may hold.

#include <cstddef>
#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "genkidama/run/sweep.h"

namespace genkidama::run {

/// Grows while another program chooses the settings. Its elements stay where they are.
class RunList {
 public:
  explicit RunList(const SweepDefinition& definition, std::filesystem::path sweep);

  /// The place of the run, which is added at the end when it is new.
  std::size_t place_of(const SweepPoint& point, std::uint64_t seed);
  SweepRun& operator[](std::size_t place) { return runs_[place]; }
  const SweepRun& operator[](std::size_t place) const { return runs_[place]; }
  std::size_t size() const { return runs_.size(); }

  /// The options that vary.
  std::vector<std::string> varied() const;

 private:
  void add(SweepRun run);

  std::filesystem::path sweep_;
  std::deque<SweepRun> runs_;
  std::map<std::string, std::size_t> places_;  // by name
};

}  // namespace genkidama::run
