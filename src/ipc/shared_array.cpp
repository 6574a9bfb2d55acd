#include "genkidama/ipc/shared_array.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <system_error>
#include <type_traits>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "ipc/check_memory.h"

namespace genkidama {
namespace {

[[noreturn]] void fail(std::size_t bytes, const std::string& purpose, const std::string& reason) {
  throw IoError(fmt::format(
      "cannot share {} bytes of memory for {}: {}; free some memory (end other programs, empty /dev/shm and "
      "other tmpfs) or ask for less (fewer workers, a smaller replay buffer, shorter rounds)",
      bytes, purpose, reason));
}

[[noreturn]] void fail(std::size_t bytes, const std::string& purpose, int error) {
  // The kernel counts shared memory as a file.
  const char* const limit = error == EFBIG ? " (a limit on the size of files, ulimit -f, counts here)" : "";
  fail(bytes, purpose, std::generic_category().message(error) + limit);
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

constexpr std::size_t kAsked = std::size_t{1} << 20;
constexpr std::size_t kTold = std::size_t{1} << 30;
constexpr std::size_t kAtOnce = std::size_t{1} << 28;

void reserve(int fd, std::size_t bytes, const std::string& purpose) {
  if (bytes > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) fail(bytes, purpose, EFBIG);
  // Reserving more than there is would wake the kernel's out-of-memory killer before it returns an error. To
  // ask costs more than a small mapping does: it reads files of each control group above this process.
  if (bytes >= kAsked) {
    if (const auto available = available_bytes(); available && bytes > *available)
      fail(bytes, purpose, fmt::format("the machine has {} bytes available", *available));
  }
  // It takes seconds, in which a user would see nothing.
  if (bytes >= kTold) {
    log(LogLevel::kInfo, "reserves {:.1f} GiB of memory for {}",
        static_cast<double>(bytes) / static_cast<double>(kTold), purpose);
  }
  // ftruncate alone succeeds on a full machine, and the first write is a SIGBUS. A signal undoes a call.
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t take = std::min(bytes - done, kAtOnce);
    const int error = ::posix_fallocate(fd, static_cast<off_t>(done), static_cast<off_t>(take));
    if (error == EINTR) continue;
    if (error != 0) fail(bytes, purpose, error);
    done += take;
  }
}

// Elements that lie side by side are accessed as one block, aligned to its size, where the processor does
// that as fast as one element: each of them is still read or written whole. Where no block is as fast (32-bit
// ARM), it is one element.
#if defined(__x86_64__)
// A move of 16 aligned bytes is one access where there is AVX, and two of eight elsewhere (Intel's manual,
// volume 3, 9.1.1; AMD's, volume 2, 7.3.2). No atomic operation of the language compiles to it.
using Block [[gnu::may_alias]] = float __attribute__((vector_size(16)));

inline void load_block(const float* shared, float* out) {
  Block block;
  __asm__ volatile("movaps %1, %0" : "=x"(block) : "m"(*reinterpret_cast<const Block*>(shared)));
  std::memcpy(out, &block, sizeof block);
}

inline void store_block(float* shared, const float* in) {
  Block block;
  std::memcpy(&block, in, sizeof block);
  __asm__ volatile("movaps %1, %0" : "=m"(*reinterpret_cast<Block*>(shared)) : "x"(block));
}
#else
using Block [[gnu::may_alias]] = std::conditional_t<sizeof(void*) == 8, std::uint64_t, std::uint32_t>;

inline void load_block(const float* shared, float* out) {
  const Block block = __atomic_load_n(reinterpret_cast<const Block*>(shared), __ATOMIC_RELAXED);
  std::memcpy(out, &block, sizeof block);
}

inline void store_block(float* shared, const float* in) {
  Block block;
  std::memcpy(&block, in, sizeof block);
  __atomic_store_n(reinterpret_cast<Block*>(shared), block, __ATOMIC_RELAXED);
}
#endif

constexpr std::size_t kBlock = sizeof(Block) / sizeof(float);

/// How many of `count` elements come before the first block.
std::size_t before_blocks(const float* shared, std::size_t count) {
  const std::size_t beyond = reinterpret_cast<std::uintptr_t>(shared) / sizeof(float) % kBlock;
  return std::min(count, (kBlock - beyond) % kBlock);
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
  for (const std::size_t first = before_blocks(shared.data(), shared.size()); i < first; ++i) {
    out[i] = relaxed_read(shared[i]);
  }
// One access at a time takes twice as long where the loop happens to lie badly in a processor's cache.
#pragma GCC unroll 8
  for (; i + kBlock <= shared.size(); i += kBlock) load_block(&shared[i], &out[i]);
  for (; i < shared.size(); ++i) out[i] = relaxed_read(shared[i]);
}

void relaxed_store(std::span<float> shared, std::span<const float> in) {
  check_sizes(shared.size(), in.size());
  std::size_t i = 0;
  for (const std::size_t first = before_blocks(shared.data(), shared.size()); i < first; ++i) {
    relaxed_write(shared[i], in[i]);
  }
#pragma GCC unroll 8
  for (; i + kBlock <= shared.size(); i += kBlock) store_block(&shared[i], &in[i]);
  for (; i < shared.size(); ++i) relaxed_write(shared[i], in[i]);
}

}  // namespace genkidama
