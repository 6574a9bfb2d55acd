#pragma once

/// @file
/// Memory shared with processes forked later.

#include <atomic>
#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// An anonymous shared mapping: nothing in /dev/shm or the file system, gone with its last process however
/// that one ends. Every page is reserved at creation, so a full machine is an IoError here and no SIGBUS
/// later. Zero-filled. Movable; unmapped by the destructor in each process on its own.
class SharedMapping {
 public:
  /// No mapping: data() is null.
  SharedMapping() = default;
  /// `purpose` names it in errors, e.g. "replay buffer". Throws IoError with the size asked for. No bytes: no
  /// mapping, data() is null.
  SharedMapping(std::size_t bytes, const std::string& purpose);
  ~SharedMapping();
  /// Leaves `other` without a mapping.
  SharedMapping(SharedMapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  /// Unmaps its own, then as above.
  SharedMapping& operator=(SharedMapping&& other) noexcept;

  /// The first byte, aligned to a page; null without a mapping.
  void* data() const { return data_; }
  /// Bytes mapped.
  std::size_t size() const { return bytes_; }

  /// count * element_size; throws IoError when that is more than can be addressed.
  static std::size_t checked_bytes(std::size_t count, std::size_t element_size, const std::string& purpose);

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// `count` value-initialised elements of T in a mapping of their own. Create before the fork. T must be
/// trivially destructible and hold no pointer into one process' private memory.
template <typename T>
class SharedArray {
  static_assert(std::is_trivially_destructible_v<T>, "nobody runs destructors of shared elements");
  static_assert(alignof(T) <= 4096, "a mapping is aligned to a page");

 public:
  /// No elements.
  SharedArray() = default;
  /// Throws IoError as SharedMapping does.
  SharedArray(std::size_t count, const std::string& purpose)
      : mapping_(SharedMapping::checked_bytes(count, sizeof(T), purpose), purpose), count_(count) {
    for (std::size_t i = 0; i < count; ++i) new (static_cast<T*>(mapping_.data()) + i) T{};
  }

  /// Leaves `other` empty.
  SharedArray(SharedArray&& other) noexcept
      : mapping_(std::move(other.mapping_)), count_(std::exchange(other.count_, 0)) {}
  /// Unmaps its own, then as above.
  SharedArray& operator=(SharedArray&& other) noexcept {
    mapping_ = std::move(other.mapping_);
    count_ = std::exchange(other.count_, 0);
    return *this;
  }

  /// The first element; null when there is none.
  T* data() const { return static_cast<T*>(mapping_.data()); }
  /// Number of elements.
  std::size_t size() const { return count_; }
  /// All elements; a const array does not make them const.
  std::span<T> span() const { return {data(), count_}; }
  /// `index` < size().
  T& operator[](std::size_t index) const { return data()[index]; }

 private:
  SharedMapping mapping_;
  std::size_t count_ = 0;
};

/// One element, read or written whole, with no order between elements.
inline float relaxed_read(const float& element) {
  // atomic_ref<const float> comes only with C++26; a load does not write.
  return std::atomic_ref<float>(const_cast<float&>(element)).load(std::memory_order_relaxed);
}
/// The other direction of relaxed_read().
inline void relaxed_write(float& element, float value) {
  std::atomic_ref<float>(element).store(value, std::memory_order_relaxed);
}

/// Relaxed element copies between private memory and weights that other processes write at the same time.
/// Each element is read or written whole; the set is not a snapshot unless the caller has arranged for quiet.
/// Throws ArgumentError, having copied nothing, when the sizes differ.
void relaxed_load(std::span<const float> shared, std::span<float> out);
/// The other direction of relaxed_load().
void relaxed_store(std::span<float> shared, std::span<const float> in);

}  // namespace genkidama
