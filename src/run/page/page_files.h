#pragma once

/// @file
/// The files of src/run/page/web, which the build puts into the library.

#include <vector>

#include "genkidama/net/live_page_server.h"

namespace genkidama::run {

std::vector<PageFile> page_files();

}  // namespace genkidama::run
