#include "genkidama/core/standard_descriptors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/child_process.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

bool is_null_device(int fd) {
  struct stat status {};
  struct stat null {};
  return ::fstat(fd, &status) == 0 && ::stat("/dev/null", &null) == 0 && status.st_rdev == null.st_rdev &&
         S_ISCHR(status.st_mode);
}

}  // namespace

TEST_CASE("each closed standard descriptor gets /dev/null, and no open one is touched", "[forks]") {
  for (int closed = 0; closed < 8; ++closed) {
    CAPTURE(closed);
    ChildProcess child([closed] {
      const int pipe_end = [] {
        int ends[2];
        return ::pipe(ends) == 0 ? ends[1] : -1;
      }();
      for (int fd = 0; fd < 3; ++fd) {
        if ((closed & (1 << fd)) != 0)
          ::close(fd);
        else
          ::dup2(pipe_end, fd);
      }
      fill_standard_descriptors();
      for (int fd = 0; fd < 3; ++fd) {
        if (is_null_device(fd) != ((closed & (1 << fd)) != 0)) return 1;
      }
      // What is opened next cannot be mistaken for one of them.
      return ::open("/dev/null", O_RDONLY) > 2 ? 0 : 2;
    });
    CHECK(child.wait() == "exit 0");
  }
}
