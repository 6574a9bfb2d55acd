#pragma once

/// @file
/// The descriptors 0, 1 and 2 of a process.

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Opens /dev/null at each of the descriptors 0, 1 and 2 that is closed. A program that was started with one
/// of them closed (`program <&- >&- 2>&- &`) otherwise gives its number to the next file it opens, and its
/// messages land in that file. `cli::main()` calls this first of all. A program without the command line
/// calls it at the start of its `main()`, before it opens anything and before it starts a thread. Never
/// throws.
void fill_standard_descriptors() noexcept;

}  // namespace genkidama
