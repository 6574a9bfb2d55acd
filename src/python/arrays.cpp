#include "python/arrays.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "genkidama/core/error.h"

namespace genkidama::python {
namespace {

template <typename Array>
Array array_of(const char* what, py::handle given) {
  Array array = Array::ensure(given);
  if (array) return array;
  PyErr_Clear();
  const std::string type = py::str(py::type::handle_of(given).attr("__name__"));
  throw ArgumentError(fmt::format("{} is a {} that cannot be read; expected numbers", what, type));
}

std::string shape_text(std::span<const py::ssize_t> shape, const char* first) {
  std::string text = first;
  for (const py::ssize_t size : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", size);
  const bool is_single = shape.size() + (*first != '\0' ? 1 : 0) == 1;
  return "(" + text + (is_single ? ",)" : ")");
}

}  // namespace

Floats floats_of(const char* what, py::handle given) {
  return array_of<Floats>(what, given);
}

Bytes bytes_of(const char* what, py::handle given) {
  return array_of<Bytes>(what, given);
}

std::string shape_of(const py::array& array) {
  return shape_text({array.shape(), static_cast<std::size_t>(array.ndim())}, "");
}

std::size_t rows_of(const char* what, const py::array& array, std::span<const py::ssize_t> shape) {
  const auto dimensions = static_cast<std::size_t>(array.ndim());
  const std::size_t more = dimensions - std::min(dimensions, shape.size());
  if (more <= 1 && dimensions == shape.size() + more &&
      std::equal(shape.begin(), shape.end(), array.shape() + more)) {
    if (more == 0) return 0;
    if (array.shape(0) > 0) return static_cast<std::size_t>(array.shape(0));
  }
  throw ArgumentError(fmt::format("{} has the shape {}; expected {}, or {} for a batch", what,
                                  shape_of(array), shape_text(shape, ""), shape_text(shape, "n")));
}

py::array_t<float> copied(std::span<const float> values, std::span<const py::ssize_t> shape) {
  py::array_t<float> array(std::vector<py::ssize_t>(shape.begin(), shape.end()));
  std::memcpy(array.mutable_data(), values.data(), values.size_bytes());
  return array;
}

py::array_t<std::int8_t> copied_mask(std::span<const std::uint8_t> mask) {
  py::array_t<std::int8_t> array(static_cast<py::ssize_t>(mask.size()));
  std::memcpy(array.mutable_data(), mask.data(), mask.size());
  return array;
}

}  // namespace genkidama::python
