#include "genkidama/core/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

namespace genkidama {

void fill_standard_descriptors() noexcept {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is given out, and all below this one are taken.
    int opened = ::open("/dev/null", O_RDWR);
    // Without a /dev nothing can be written, but the number is taken.
    if (opened < 0) opened = ::open("/", O_RDONLY | O_DIRECTORY);
    if (opened < 0) return;
  }
}

}  // namespace genkidama
