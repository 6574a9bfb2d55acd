#pragma once

/// @file
/// What processors have worked for this process.

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Seconds of processor time that this process and its descendants have taken since they began, those
/// included that ended and were waited for. It looks through /proc, so it is for a run's end and not for its
/// rounds; where there is no /proc it is this process and those that it has waited for. Never throws.
double processor_seconds() noexcept;

}  // namespace genkidama
