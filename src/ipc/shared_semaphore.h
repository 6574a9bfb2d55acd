#pragma once

/// @file
/// Semaphores in shared memory that are only posted and waited on, never held: a process killed at any moment
/// leaves nothing locked. They only wake who sleeps; what is true stands in atomics that are written before
/// the post and looked at after the sleep, so a post too many or too few changes nothing.

#include <semaphore.h>

#include "genkidama/core/clock.h"

namespace genkidama {

/// Throws IoError.
void make_semaphore(sem_t& semaphore);

/// Sleeps until a post, a signal or the time. Why it ended does not matter: callers look at their atomics.
void sleep_until(sem_t& semaphore, Clock::time_point time);
inline void sleep_on(sem_t& semaphore, Deadline deadline) {
  sleep_until(semaphore, deadline.at());
}

/// Takes the posts of earlier waits that ended without them. Atomics change before a post, so nothing is lost
/// as long as they are read afterwards.
void drain(sem_t& semaphore);

}  // namespace genkidama
