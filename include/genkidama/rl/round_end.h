#pragma once

/// @file
/// When a worker's round ends.

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What a worker has come to when its round ends.
enum class RoundEnd {
  kEpisode,  ///< the ends of its episodes; other workers wait for the one with the longest (thesis, 4.6)
  kStep      ///< a number of steps; an unfinished episode goes on in the next round
};

/// The name of an end: "episode" or "step".
const char* round_end_name(RoundEnd end);

}  // namespace genkidama
