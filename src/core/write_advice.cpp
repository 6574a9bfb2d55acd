#include "core/write_advice.h"

#include <cerrno>

namespace genkidama {

std::string write_advice(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free space on its disk";
    case EFBIG:
      return "raise the limit on the size of files (ulimit -f)";
    case EACCES:
    case EPERM:
      return "change its owner or mode, or its directory's, so that this process may write";
    case EROFS:
      return "take a path on a file system that can be written";
    case EISDIR:
      return "a directory has this name: take another name, or move it away";
    case ENOENT:
    case ENOTDIR:
      return "make its directory first, or take another path";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n)";
    case ENAMETOOLONG:
      return "take a shorter name";
    default:
      return "look at its disk, or take another path";
  }
}

}  // namespace genkidama
