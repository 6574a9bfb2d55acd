#pragma once

/// @file
/// What must be put back before a signal ends the process at once.

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// `restore` is called by the handler of a second stop signal, right before the process ends, so it may only
/// call functions that a signal handler may call. nullptr: nothing is. One function at a time.
void at_abrupt_end(void (*restore)());

}  // namespace run
}  // namespace genkidama
