#pragma once

// W_P where several threads merge: any of them reads and writes any element at any time (Hogwild!: Recht, Re,
// Wright and Niu, 2011). Each element is read and written whole; nothing holds elements together.

#include <cstddef>
#include <span>

namespace genkidama {

/// `to` becomes what `from` holds, element by element, while other threads may write it.
void read_shared(std::span<const float> from, std::span<float> to);

/// shared = (1 - weight) * shared + weight * other, as average_finite() does, and `result` becomes what this
/// call has made of each element. Where another thread has written an element between the reading and the
/// writing here, what that one wrote is lost; a value of `shared` is always such an average. It begins with
/// element `first` and ends with the one before: two calls that begin at the same time and at different
/// places seldom meet.
void average_shared(std::span<float> shared, std::span<const float> other, double weight,
                    std::span<float> result, std::size_t first = 0);

/// Each element of `shared` that is still `from` becomes `to`, and the difference is added to each other.
void change_shared(std::span<float> shared, std::span<const float> from, std::span<const float> to);

}  // namespace genkidama
