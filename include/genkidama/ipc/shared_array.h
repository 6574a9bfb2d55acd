#pragma once

/// @file
/// Memory that a process shares with the processes it forks afterwards.

#include <atomic>
#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// An anonymous shared mapping, filled with zeros. It has no name in /dev/shm or in the file system, and it
/// is gone when its last process ends, however that process ends. Every page is reserved at creation, so on a
/// machine without free memory the constructor throws an IoError, and no process gets a SIGBUS later. The
/// object is movable. Each process unmaps its own view in the destructor.
class SharedMapping {
 public:
  /// Makes an object without a mapping: data() is null.
  SharedMapping() = default;
  /// Maps `bytes` bytes. For 0 bytes there is no mapping, and data() is null. `purpose` names the mapping in
  /// errors, as in "replay buffer". Throws IoError, whose text has the size that was asked for.
  SharedMapping(std::size_t bytes, const std::string& purpose);
  ~SharedMapping();
  /// Takes over the mapping of `other`, which has none afterwards.
  SharedMapping(SharedMapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  /// Unmaps its own memory, then takes over the mapping of `other`.
  SharedMapping& operator=(SharedMapping&& other) noexcept;

  /// The first byte, which is aligned to a page; null when there is no mapping.
  void* data() const { return data_; }
  /// The number of bytes that are mapped.
  std::size_t size() const { return bytes_; }

  /// Returns count * element_size. Throws IoError when that is more than can be addressed.
  static std::size_t checked_bytes(std::size_t count, std::size_t element_size, const std::string& purpose);

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// An array of value-initialised elements of T in a mapping of its own. Make it before the fork. T must be
/// trivially destructible and must hold no pointer into the private memory of one process.
template <typename T>
class SharedArray {
  static_assert(std::is_trivially_destructible_v<T>, "nobody runs destructors of shared elements");
  static_assert(alignof(T) <= 4096, "a mapping is aligned to a page");

 public:
  /// Makes an array without elements.
  SharedArray() = default;
  /// Makes `count` elements. Throws IoError as SharedMapping does.
  SharedArray(std::size_t count, const std::string& purpose)
      : mapping_(SharedMapping::checked_bytes(count, sizeof(T), purpose), purpose), count_(count) {
    for (std::size_t i = 0; i < count; ++i) new (static_cast<T*>(mapping_.data()) + i) T{};
  }

  /// Takes over the elements of `other`, which is empty afterwards.
  SharedArray(SharedArray&& other) noexcept
      : mapping_(std::move(other.mapping_)), count_(std::exchange(other.count_, 0)) {}
  /// Unmaps its own elements, then takes over those of `other`.
  SharedArray& operator=(SharedArray&& other) noexcept {
    mapping_ = std::move(other.mapping_);
    count_ = std::exchange(other.count_, 0);
    return *this;
  }

  /// The first element; null when the array is empty.
  T* data() const { return static_cast<T*>(mapping_.data()); }
  /// The number of elements.
  std::size_t size() const { return count_; }
  /// All elements. They are not const, even when the array is.
  std::span<T> span() const { return {data(), count_}; }
  /// The element at `index`, which is below size() (not checked).
  T& operator[](std::size_t index) const { return data()[index]; }

 private:
  SharedMapping mapping_;
  std::size_t count_ = 0;
};

/// Reads one element whole. Reads and writes of different elements have no order among them.
inline float relaxed_read(const float& element) {
  // atomic_ref<const float> comes only with C++26; a load does not write.
  return std::atomic_ref<float>(const_cast<float&>(element)).load(std::memory_order_relaxed);
}
/// Writes one element whole. Reads and writes of different elements have no order among them.
inline void relaxed_write(float& element, float value) {
  std::atomic_ref<float>(element).store(value, std::memory_order_relaxed);
}

/// Copies shared weights, which other processes may write at the same time, into private memory. Each element
/// is read whole, but all elements together are a snapshot only while nobody writes. Throws ArgumentError,
/// and copies nothing, when the sizes differ.
void relaxed_load(std::span<const float> shared, std::span<float> out);
/// Copies private memory into shared weights, as relaxed_load() does in the other direction.
void relaxed_store(std::span<float> shared, std::span<const float> in);

}  // namespace genkidama
