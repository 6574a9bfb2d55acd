#pragma once

/// @file
/// What became of the members of a population, for people.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "genkidama/params/population.h"
#include "genkidama/run/run_totals.h"
#include "run/metrics/csv_file.h"

namespace genkidama::run {

/// population.csv: a row for each PopulationChange.
class PopulationTable {
 public:
  /// `keep_until` and errors as CsvFile.
  PopulationTable(std::filesystem::path path, const PopulationOptions& options,
                  std::optional<std::uint64_t> keep_until);

  /// What the update that `totals` have come to has changed; mostly nothing.
  void append(const RunTotals& totals, const std::vector<PopulationChange>& changes);
  /// As CsvFile::sync().
  void sync() { file_.sync(); }

 private:
  CsvFile file_;
};

/// For summary.json: the best member's name, and what each member has come to.
nlohmann::ordered_json population_report(const Population& population);

}  // namespace genkidama::run
