#pragma once

#include "genkidama/core/clock.h"
#include "genkidama/params/played.h"
#include "net/parent/lost_sessions.h"
#include "net/parent/parent_state.h"

namespace genkidama {

/// What a Child tells for the first time in a frame that counts so much since it began.
Played played_since_merge(const SessionRecord& record, const Played& told);

/// How late a Child is now.
Lateness lateness_of(const SessionRecord& record, Clock::time_point now);

}  // namespace genkidama
