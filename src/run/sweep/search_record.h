#pragma once

/// @file
/// search.json: what a search has decided and learnt, so that a later call goes on with it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/run/sweep.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// A trial that has begun.
struct SearchTrial {
  SweepPoint point;
  std::size_t number = 0;      ///< the question that it answers; 0: none
  std::size_t rung = 0;        ///< how many rungs it was assigned, >= 1
  std::vector<double> scores;  ///< of those it has come to, at most `rung`
};

struct SearchRecord {
  std::string method;                    ///< "asha" or "ask"
  std::vector<std::uint64_t> seeds;      ///< of every trial
  EvaluationRequest evaluation;          ///< of every run
  std::vector<std::uint64_t> rungs;      ///< with "asha"
  std::uint64_t reduction = 0;           ///< with "asha"
  std::vector<SearchTrial> trials = {};  ///< in the order in which they were begun or asked for
};

/// What this call is a search of, without trials. For options with `halving` or `asking`.
SearchRecord record_of_search(const SweepOptions& options);

/// `asked` with the trials that the directory's file has; none when there is no such file. Throws
/// ArgumentError when it cannot be understood or is of another search, naming what differs.
SearchRecord read_search_record(const SweepOptions& options, SearchRecord asked);

/// Throws IoError.
void write_search_record(const SweepOptions& options, const SearchRecord& record);

}  // namespace run
}  // namespace genkidama
