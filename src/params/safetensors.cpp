#include "genkidama/params/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <system_error>
#include <utility>

#include "genkidama/core/atomic_file.h"
#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "params/checkpoint_layout.h"
#include "params/checkpoint_parts.h"
#include "params/safetensors_header.h"

namespace genkidama {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLengthBytes = 8;
static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);

/// The format's order of bytes, from or to this machine's.
void convert_endianness(std::span<float> values) {
  if constexpr (std::endian::native == std::endian::big) {
    for (float& value : values) {
      auto bytes = std::bit_cast<std::array<std::byte, sizeof(float)>>(value);
      std::reverse(bytes.begin(), bytes.end());
      value = std::bit_cast<float>(bytes);
    }
  }
}

[[noreturn]] void fail_to_read(const fs::path& path, const std::string& reason) {
  throw IoError(fmt::format("cannot read '{}': {}", path.string(), reason));
}

class InputFile {
 public:
  explicit InputFile(const fs::path& path) : path_(path) {
    // Without O_NONBLOCK a named pipe would be waited on for ever.
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd_ < 0) fail_to_read(path, std::generic_category().message(errno));
    struct stat status {};
    const int error = ::fstat(fd_, &status) == 0 ? 0 : errno;
    if (error != 0 || !S_ISREG(status.st_mode)) {
      ::close(fd_);
      fail_to_read(path, error != 0 ? std::generic_category().message(error) : "it is not a regular file");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~InputFile() { ::close(fd_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// As it was opened.
  std::uint64_t size() const { return size_; }

  void read(std::span<std::byte> out) {
    while (!out.empty()) {
      const ssize_t got = ::read(fd_, out.data(), out.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail_to_read(path_, std::generic_category().message(errno));
      if (got == 0) throw FormatError("it became shorter while it was read");
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }

 private:
  fs::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

SafetensorsHeader read_header(InputFile& file) {
  std::array<std::byte, kLengthBytes> length_bytes{};
  if (file.size() < kLengthBytes) throw FormatError(fmt::format("it has only {} bytes", file.size()));
  file.read(length_bytes);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length |= std::to_integer<std::uint64_t>(length_bytes[i]) << (8 * i);
  const std::uint64_t rest = file.size() - kLengthBytes;
  if (length > kMaxSafetensorsHeaderBytes) {
    throw FormatError(fmt::format("its header would have {} bytes; at most {} are allowed", length,
                                  kMaxSafetensorsHeaderBytes));
  }
  if (length > rest) {
    throw FormatError(fmt::format("its header would have {} bytes, but only {} follow", length, rest));
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read(std::as_writable_bytes(std::span(text)));
  return parse_safetensors_header(text, rest - length);
}

/// "weight 17 (tensor 'pi1.bias', element 3) is nan".
std::string describe_weight(const ParameterLayout& layout, std::size_t index, float value) {
  return fmt::format("{} is {}, not a finite number", element_text(layout, index), value);
}

/// `accept` sees the file's layout before its data is read.
Checkpoint read_checkpoint(const fs::path& path, const std::function<void(const ParameterLayout&)>& accept) {
  try {
    InputFile file(path);
    SafetensorsHeader header = read_header(file);
    accept(header.layout);
    // The file is at least as long: a small file cannot claim much memory.
    std::vector<float> weights(header.layout.size());
    file.read(std::as_writable_bytes(std::span(weights)));
    convert_endianness(weights);
    if (const std::size_t bad = first_non_finite(weights); bad != weights.size()) {
      throw FormatError(describe_weight(header.layout, bad, weights[bad]));
    }
    return {std::move(header.layout), std::move(weights), std::move(header.metadata)};
  } catch (const FormatError& error) {
    throw FormatError(
        fmt::format("'{}' is not a checkpoint that can be read: {}", path.string(), error.what()));
  } catch (const std::bad_alloc&) {
    fail_to_read(path, "there is not enough memory for it");
  }
}

void check_weights(const CheckpointParts& checkpoint) {
  std::size_t before = 0;
  for (const std::span<const float> part : checkpoint.weights) {
    if (const std::size_t bad = first_non_finite(part); bad != part.size()) {
      throw ArgumentError("cannot save a checkpoint: " +
                          describe_weight(checkpoint.layout, before + bad, part[bad]));
    }
    before += part.size();
  }
}

/// `write` gets the file's parts.
void write_checkpoint(const CheckpointParts& checkpoint,
                      const std::function<void(std::span<const std::span<const std::byte>>)>& write) {
  std::size_t size = 0;
  for (const std::span<const float> part : checkpoint.weights) size += part.size();
  if (size != checkpoint.layout.size()) {
    throw ArgumentError(fmt::format("cannot save {} weights for a layout of {}: sizes must be equal", size,
                                    checkpoint.layout.size()));
  }
  check_weights(checkpoint);
  const std::string header = format_safetensors_header({checkpoint.layout, checkpoint.metadata});
  std::array<std::byte, kLengthBytes> length{};
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length[i] = static_cast<std::byte>((std::uint64_t{header.size()} >> (8 * i)) & 0xff);
  }
  std::vector<std::span<const std::byte>> parts{length, std::as_bytes(std::span(header))};
  std::vector<std::vector<float>> converted;
  for (const std::span<const float> part : checkpoint.weights) {
    if constexpr (std::endian::native == std::endian::big) {
      convert_endianness(converted.emplace_back(part.begin(), part.end()));
      parts.push_back(std::as_bytes(std::span(converted.back())));
    } else {
      parts.push_back(std::as_bytes(part));
    }
  }
  write(parts);
}

/// `use` is given the parts of a checkpoint that has one.
template <typename Use>
auto with_parts(const Checkpoint& checkpoint, Use use) {
  const std::array<std::span<const float>, 1> weights{checkpoint.weights};
  return use(CheckpointParts{checkpoint.layout, weights, checkpoint.metadata});
}

}  // namespace

std::uint64_t checksum_of(const CheckpointParts& checkpoint) {
  // The text first: lengths before bytes, so that no two of them are the same sequence.
  std::string text;
  const auto add_number = [&text](std::uint64_t number) {
    for (int i = 0; i < 8; ++i) text += static_cast<char>((number >> (8 * i)) & 0xff);
  };
  const auto add_text = [&](const std::string& part) {
    add_number(part.size());
    text += part;
  };
  add_number(checkpoint.layout.hash());
  add_number(checkpoint.metadata.size());
  for (const auto& [key, value] : checkpoint.metadata) {
    add_text(key);
    add_text(value);
  }
  const std::uint64_t seed = XXH3_64bits(text.data(), text.size());
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  if (!state) throw std::bad_alloc();
  XXH3_64bits_reset_withSeed(state.get(), seed);
  for (const std::span<const float> part : checkpoint.weights) {
    if constexpr (std::endian::native == std::endian::big) {
      std::vector<float> converted(part.begin(), part.end());
      convert_endianness(converted);
      XXH3_64bits_update(state.get(), converted.data(), converted.size() * sizeof(float));
    } else {
      XXH3_64bits_update(state.get(), part.data(), part.size_bytes());
    }
  }
  return XXH3_64bits_digest(state.get());
}

std::uint64_t checksum_of(const Checkpoint& checkpoint) {
  return with_parts(checkpoint, [](const CheckpointParts& parts) { return checksum_of(parts); });
}

void write_safetensors(const fs::path& path, const Checkpoint& checkpoint) {
  with_parts(checkpoint, [&](const CheckpointParts& whole) {
    write_checkpoint(whole, [&](const auto& parts) { write_file_atomically(path, parts); });
  });
}

void write_safetensors_keeping_previous(const fs::path& path, const fs::path& previous,
                                        const CheckpointParts& checkpoint) {
  write_checkpoint(checkpoint,
                   [&](const auto& parts) { write_file_keeping_previous(path, previous, parts); });
}

void write_safetensors_keeping_previous(const fs::path& path, const fs::path& previous,
                                        const Checkpoint& checkpoint) {
  with_parts(checkpoint, [&](const CheckpointParts& parts) {
    write_safetensors_keeping_previous(path, previous, parts);
  });
}

Checkpoint read_safetensors(const fs::path& path) {
  return read_checkpoint(path, [](const ParameterLayout&) {});
}

Checkpoint read_safetensors(const fs::path& path, const ParameterLayout& layout) {
  Checkpoint read =
      read_checkpoint(path, [&](const ParameterLayout& given) { check_same_tensors(path, layout, given); });
  return in_layout(path, std::move(read), layout);
}

}  // namespace genkidama
