#pragma once

/// @file
/// What the process of a watched agent does.

#include "genkidama/run/watched_agent.h"
#include "run/page/agent_slots.h"

namespace genkidama::run {

/// Plays while somebody looks, until stop_signal() says so or the agent cannot be played; then that is told
/// in the place of a picture.
void play_agent(const WatchedAgentOptions& options, AgentSlots& slots);

/// {"problem":"..."}
std::string agent_problem(const std::string& text);

}  // namespace genkidama::run
