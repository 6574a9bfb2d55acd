#pragma once

/// @file
/// A run as one HTML page.

#include <string>

#include "genkidama/core/export.h"
#include "run/report/recorded_run.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// What others have made for the page. The page's policy forbids scripts and whatever is loaded, so pictures
/// are SVG elements, or images in data URLs.
struct PageParts {
  std::string episode;  ///< finished HTML or SVG of a recorded episode, taken as it is; empty: none
};

/// The whole page: how the run ended, its curves, evaluations, machine, Children where it was a Parent, and
/// settings. It holds all that it shows, has no script, and is well-formed XML too. Text from the run's files
/// is escaped; tables with very many rows are cut, and say so.
std::string run_page(const RecordedRun& run, const PageParts& parts = {});

}  // namespace run
}  // namespace genkidama
