#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/targets.h"

namespace genkidama::fuzz {

MemoryFile::MemoryFile(Input content) : descriptor_(::memfd_create("genkidama-fuzz", MFD_CLOEXEC)) {
  require(descriptor_ >= 0, "memory for a file");
  const ssize_t size = static_cast<ssize_t>(content.size());
  require(::write(descriptor_, content.data(), content.size()) == size, "room for a file");
}

MemoryFile::~MemoryFile() {
  ::close(descriptor_);
}

}  // namespace genkidama::fuzz
