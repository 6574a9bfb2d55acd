#include "env/process/foreign_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr std::uint64_t kAlignment = 64;  // of an array: no two share a cache line

genkidama_layout_message layout_of(const ForeignSizes& sizes) {
  genkidama_layout_message layout{};
  layout.kind = GENKIDAMA_LAYOUT;
  const auto place = [&layout](std::uint64_t& offset, std::uint64_t bytes) {
    offset = layout.bytes;
    layout.bytes += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  };
  const std::uint64_t n = sizes.environments;
  place(layout.commands, n);
  place(layout.seeds, n * sizeof(std::uint64_t));
  place(layout.actions, n * sizes.action * sizeof(float));
  place(layout.observations, n * sizes.observation * sizeof(float));
  place(layout.rewards, n * sizeof(float));
  place(layout.ends, n);
  place(layout.masks, n * sizes.alternatives);
  place(layout.metrics, n * sizes.metrics * sizeof(float));
  return layout;
}

[[noreturn]] void fail(const char* what, int error) {
  throw IoError(
      fmt::format("cannot share memory with an environment's process: {}: {}", what, std::strerror(error)));
}

}  // namespace

ForeignMemory::ForeignMemory()
    : fd_(::memfd_create("genkidama-environment", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
  if (fd_ < 0) fail("memfd_create", errno);
}

ForeignMemory::~ForeignMemory() {
  if (data_ != nullptr) ::munmap(data_, layout_.bytes);
  ::close(fd_);
}

void ForeignMemory::allocate(const ForeignSizes& sizes) {
  sizes_ = sizes;
  layout_ = layout_of(sizes);
  if (layout_.bytes > kMaxBytes) {
    throw ArgumentError(
        fmt::format("its arrays have {} bytes, expected at most {}", layout_.bytes, kMaxBytes));
  }
  const auto bytes = static_cast<off_t>(layout_.bytes);
  const auto refuse = [] {
    throw ArgumentError("it changed the shared memory before it was told the layout; expected it to wait");
  };
  if (::ftruncate(fd_, bytes) != 0) {
    if (errno == EPERM) refuse();
    fail("ftruncate", errno);
  }
  // Without pages of its own the first write into a full machine would be a signal.
  if (const int error = ::posix_fallocate(fd_, 0, bytes); error != 0) fail("posix_fallocate", error);
  struct stat file {};
  if (::fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0 || ::fstat(fd_, &file) != 0 ||
      file.st_size != bytes) {
    refuse();
  }
  void* const data = ::mmap(nullptr, layout_.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (data == MAP_FAILED) {
    if (errno == EPERM) refuse();
    fail("mmap", errno);
  }
  data_ = static_cast<std::byte*>(data);
}

}  // namespace genkidama
