#pragma once

// Films as animated GIF, which every browser, chat and text processor shows.

#include <cstddef>
#include <functional>
#include <string>

#include "env/picture/film.h"
#include "env/picture/image.h"
#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace picture {

/// Whether giflib was there when the library was built.
bool has_gif();

/// The film, which is not empty, as a GIF that is played over and over. It has the 255 most frequent colours
/// of the film; the others become the nearest one. Each frame holds only what differs from the one before.
/// `on_frame` is called before each frame of the two passes, with the share that is done; what it throws ends
/// the work. Throws Error without giflib, and when giflib fails.
std::string to_gif(const Film& film, Size size, const std::function<void(double done)>& on_frame = {});

}  // namespace picture
}  // namespace genkidama
