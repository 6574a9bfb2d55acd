#pragma once

/// @file
/// A mutex in shared memory that a process killed while it holds it does not leave locked.

#include <pthread.h>

namespace genkidama {

/// Lies in a SharedArray; made before the fork. What it guards must be usable whatever a holder that died had
/// written by then. A holder that is stopped stops the others too, until it is killed or goes on.
class SharedMutex {
 public:
  /// Throws IoError.
  SharedMutex();
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  void lock();
  void unlock();

 private:
  pthread_mutex_t mutex_;
};

}  // namespace genkidama
