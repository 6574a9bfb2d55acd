#pragma once

/// @file
/// A session that an earlier process of this run had, and whether to go on with it.

#include <optional>

#include "genkidama/net/child.h"
#include "run/state/machine_time.h"

namespace genkidama::run {

/// A session with a Parent as the resumed state has it.
struct ResumedSession {
  ChildSessionState session;  ///< without a run_id where there was none
  MachineTime written;        ///< when
};

/// Whether the process goes on with the session and its own weights, as one does that lost its link: only
/// after a short time. After a longer one the others have moved on, and a merge of the old weights, with a
/// large alpha, would set all of them back. The log tells it: `who` goes on with its session, or takes
/// `whose` weights.
bool goes_on_with_session(const std::optional<ResumedSession>& resumed, const char* who, const char* whose);

}  // namespace genkidama::run
