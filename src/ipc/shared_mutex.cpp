#include "ipc/shared_mutex.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

void check(int error, const char* what) {
  if (error != 0)
    throw IoError(fmt::format("cannot {} a mutex in shared memory: {}", what, std::strerror(error)));
}

}  // namespace

SharedMutex::SharedMutex() {
  pthread_mutexattr_t attributes;
  check(::pthread_mutexattr_init(&attributes), "make");
  int error = ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  if (error == 0) error = ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  if (error == 0) error = ::pthread_mutex_init(&mutex_, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
  check(error, "make");
}

void SharedMutex::lock() {
  const int error = ::pthread_mutex_lock(&mutex_);
  // The holder has died. What it has written stands.
  if (error == EOWNERDEAD) return check(::pthread_mutex_consistent(&mutex_), "take over");
  check(error, "lock");
}

void SharedMutex::unlock() {
  ::pthread_mutex_unlock(&mutex_);
}

}  // namespace genkidama
