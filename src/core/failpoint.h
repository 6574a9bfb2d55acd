#pragma once

/// @file
/// Places where a test lets this process die, fail or stop; nothing at all unless the build says so.

#ifdef GENKIDAMA_FAILPOINTS

namespace genkidama {

/// What the environment's GENKIDAMA_FAILPOINT, "NAME:ACTION" or "NAME:ACTION:N", says about this place, when
/// it is reached for the Nth time (the first unless said) in this process: "kill" is SIGKILL, "error" throws
/// an IoError, "stop" is SIGSTOP. It happens once in all processes that share the file that
/// GENKIDAMA_FAILPOINT_ONCE names, which is made then; without it, once in each.
void reach_failpoint(const char* name);

}  // namespace genkidama

#define GENKIDAMA_FAILPOINT(name) ::genkidama::reach_failpoint(name)

#else

#define GENKIDAMA_FAILPOINT(name) static_cast<void>(0)

#endif
