#pragma once

// NumPy's arrays. NumPy is imported by the first of them, and not by `import genkidama`.

#include <pybind11/numpy.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace genkidama::python {

namespace py = pybind11;

/// Read in place when they are float32 and row-major, and converted otherwise.
using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;
using Bytes = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>;

/// Throws ArgumentError, with `what` ("the observation"), for what is no array of numbers.
Floats floats_of(const char* what, py::handle given);
Bytes bytes_of(const char* what, py::handle given);

/// "(8,)", as Python writes it.
std::string shape_of(const py::array& array);

/// How many rows of this shape the array holds: 0 when it is one row itself, without a dimension for several.
/// Throws ArgumentError for any other shape.
std::size_t rows_of(const char* what, const py::array& array, std::span<const py::ssize_t> shape);

/// The values of an array that is row-major.
template <typename T, int flags>
std::span<const T> values(const py::array_t<T, flags>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

/// A new array with a copy of the values.
py::array_t<float> copied(std::span<const float> values, std::span<const py::ssize_t> shape);
py::array_t<std::int8_t> copied_mask(std::span<const std::uint8_t> mask);

}  // namespace genkidama::python
