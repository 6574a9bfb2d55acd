// A library to load before a program (LD_PRELOAD) whose workers outnumber the cores: after each unlock of a
// mutex the process gives its core to the next one. So workers with `--sharing mutex` or `local` take turns
// after each step or merge, as they do on a machine with a core for each, where else a worker makes many
// steps before it is another's turn.

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>

extern "C" int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  using Unlock = int (*)(pthread_mutex_t*);
  static const auto unlock = reinterpret_cast<Unlock>(dlsym(RTLD_NEXT, "pthread_mutex_unlock"));
  const int result = unlock(mutex);
  sched_yield();
  return result;
}
