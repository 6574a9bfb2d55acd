#pragma once

// What a path that somebody wants to write to stands for.

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "genkidama/core/export.h"

namespace genkidama {

/// The owner and the permissions of a regular file.
struct FileOwnership {
  uid_t user = 0;
  gid_t group = 0;
  mode_t mode = 0;  ///< permission bits only
};

/// Where the bytes for a path go.
struct WriteTarget {
  enum class Kind {
    kRegular,  ///< a regular file or nothing yet: may be replaced by a new file
    kSpecial   ///< a device, FIFO or socket: is opened and written
  };
  Kind kind = Kind::kRegular;
  std::filesystem::path path;             ///< without symbolic links in its last component
  std::optional<FileOwnership> existing;  ///< of the regular file that is there
  std::optional<int> own_descriptor;      ///< the path stands for this descriptor of this process
};

/// Follows symbolic links, also one whose target does not exist yet. A path such as /dev/stdout or
/// /proc/self/fd/1 stands for a descriptor of this process. Throws std::system_error with EISDIR for a
/// directory, ELOOP for links in a circle, or with what the operating system says of the path.
GENKIDAMA_EXPORT WriteTarget find_write_target(const std::filesystem::path& path);

}  // namespace genkidama
