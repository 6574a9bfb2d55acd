#pragma once

/// @file
/// A recorded episode for a run's page.

#include <filesystem>
#include <string>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// An element of HTML that shows the picture FILE.svg or FILE.gif, which `watch --record` makes, and holds
/// its bytes. A browser runs no script that a picture brings. Throws ArgumentError, which begins with
/// "episode is", for another name, for a file that cannot be read, and for one that is empty or larger than
/// 32 MiB.
std::string episode_picture(const std::filesystem::path& file);

}  // namespace run
}  // namespace genkidama
