#include "genkidama/ipc/shared_array.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <system_error>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

[[noreturn]] void fail(std::size_t bytes, const std::string& purpose, const std::string& reason) {
  throw IoError(fmt::format(
      "cannot share {} bytes of memory for {}: {}; free some memory (end other programs, empty /dev/shm and "
      "other tmpfs) or ask for less (fewer workers, a smaller replay buffer)",
      bytes, purpose, reason));
}

[[noreturn]] void fail(std::size_t bytes, const std::string& purpose, int error) {
  fail(bytes, purpose, std::generic_category().message(error));
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// MemAvailable of /proc/meminfo, or nothing where there is none.
std::optional<std::uint64_t> available_bytes() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key, unit;
  std::uint64_t kibibytes = 0;
  while (meminfo >> key >> kibibytes) {
    if (key == "MemAvailable:") return kibibytes * 1024;
    std::getline(meminfo, unit);
  }
  return std::nullopt;
}

void reserve(int fd, std::size_t bytes, const std::string& purpose) {
  if (bytes > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) fail(bytes, purpose, EFBIG);
  // Reserving more than there is would wake the kernel's out-of-memory killer before it returns an error.
  if (const auto available = available_bytes(); available && bytes > *available) {
    fail(bytes, purpose, fmt::format("the machine has {} bytes available", *available));
  }
  // ftruncate alone succeeds on a full machine, and the first write is a SIGBUS.
  int error = 0;
  do {
    error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  } while (error == EINTR);
  if (error != 0) fail(bytes, purpose, error);
}

// Two elements that lie side by side in one 64-bit word are accessed at once where the processor does that as
// fast as one: each of them is still read or written whole. Elsewhere (32-bit ARM) it takes several
// instructions.
constexpr bool kAccessesPairs = sizeof(void*) == 8;
using Pair [[gnu::may_alias]] = std::uint64_t;

bool is_pair(const float* first) {
  return reinterpret_cast<std::uintptr_t>(first) % sizeof(Pair) == 0;
}

void check_sizes(std::size_t shared, std::size_t own) {
  if (shared != own) {
    throw ArgumentError(fmt::format(
        "cannot copy between {} shared and {} private elements: sizes must be equal", shared, own));
  }
}

}  // namespace

SharedMapping::SharedMapping(std::size_t bytes, const std::string& purpose) : bytes_(bytes) {
  if (bytes == 0) return;  // mmap refuses it, and an empty array is no error
  const FileDescriptor file(::memfd_create("genkidama", MFD_CLOEXEC));
  if (file.get() < 0) fail(bytes, purpose, errno);
  reserve(file.get(), bytes, purpose);
  void* const data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) fail(bytes, purpose, errno);
  data_ = data;
}

SharedMapping::~SharedMapping() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

SharedMapping& SharedMapping::operator=(SharedMapping&& other) noexcept {
  if (this != &other) {
    if (data_ != nullptr) ::munmap(data_, bytes_);
    data_ = std::exchange(other.data_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

std::size_t SharedMapping::checked_bytes(std::size_t count, std::size_t element_size,
                                         const std::string& purpose) {
  if (count > std::numeric_limits<std::size_t>::max() / element_size) {
    throw IoError(
        fmt::format("cannot share memory for {}: {} elements of {} bytes are more than can be addressed",
                    purpose, count, element_size));
  }
  return count * element_size;
}

void relaxed_load(std::span<const float> shared, std::span<float> out) {
  check_sizes(shared.size(), out.size());
  std::size_t i = 0;
  if constexpr (kAccessesPairs) {
    if (i < shared.size() && !is_pair(&shared[i])) {
      out[i] = relaxed_read(shared[i]);
      ++i;
    }
// One access at a time takes twice as long where the loop happens to lie badly in a processor's cache.
#pragma GCC unroll 8
    for (; i + 2 <= shared.size(); i += 2) {
      const Pair pair = __atomic_load_n(reinterpret_cast<const Pair*>(&shared[i]), __ATOMIC_RELAXED);
      std::memcpy(&out[i], &pair, sizeof pair);
    }
  }
#pragma GCC unroll 8
  for (; i < shared.size(); ++i) out[i] = relaxed_read(shared[i]);
}

void relaxed_store(std::span<float> shared, std::span<const float> in) {
  check_sizes(shared.size(), in.size());
  std::size_t i = 0;
  if constexpr (kAccessesPairs) {
    if (i < shared.size() && !is_pair(&shared[i])) {
      relaxed_write(shared[i], in[i]);
      ++i;
    }
#pragma GCC unroll 8
    for (; i + 2 <= shared.size(); i += 2) {
      Pair pair;
      std::memcpy(&pair, &in[i], sizeof pair);
      __atomic_store_n(reinterpret_cast<Pair*>(&shared[i]), pair, __ATOMIC_RELAXED);
    }
  }
#pragma GCC unroll 8
  for (; i < shared.size(); ++i) relaxed_write(shared[i], in[i]);
}

}  // namespace genkidama
