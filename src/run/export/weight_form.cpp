#include "run/export/weight_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "genkidama/core/error.h"
#include "params/codec_kernels.h"

namespace genkidama::run {
namespace {

constexpr WeightForm kForms[] = {WeightForm::kFloat32, WeightForm::kFloat16, WeightForm::kInt8};
constexpr float kGreatestCode = 127;
// Below it a row counts as zeros: one over its scale must be a float.
constexpr float kLeastMagnitude = 1e-30f;
constexpr float kGreatestFloat16 = 65504;

float greatest(std::span<const float> values) {
  float greatest = 0;
  for (const float value : values) greatest = std::max(greatest, std::abs(value));
  return greatest;
}

void round_to_float16(const TensorInfo& tensor, std::span<float> values) {
  if (greatest(values) > kGreatestFloat16) {
    throw ArgumentError(
        fmt::format("weights is 'f16', and a weight of tensor '{}' is {}; expected at most {}, or 'f32'",
                    tensor.name, greatest(values), kGreatestFloat16));
  }
  const auto codes = float16_codes(values);
  portable_codec_kernels().from_float16(codes.data(), codes.size(), values.data());
}

void round_to_int8(std::span<float> row) {
  const float scale = int8_scale(row);
  const auto codes = int8_codes(row, scale);
  portable_codec_kernels().from_int8(codes.data(), codes.size(), scale, row.data());
}

}  // namespace

const char* weight_form_name(WeightForm form) {
  switch (form) {
    case WeightForm::kFloat32:
      return "f32";
    case WeightForm::kFloat16:
      return "f16";
    case WeightForm::kInt8:
      return "int8";
  }
  return "";
}

std::optional<WeightForm> weight_form_of(std::string_view name) {
  for (const WeightForm form : kForms) {
    if (name == weight_form_name(form)) return form;
  }
  return {};
}

float int8_scale(std::span<const float> row) {
  const float magnitude = greatest(row);
  return magnitude < kLeastMagnitude ? 1 : magnitude / kGreatestCode;
}

std::vector<std::int8_t> int8_codes(std::span<const float> row, float scale) {
  std::vector<std::int8_t> codes(row.size());
  portable_codec_kernels().to_int8(row.data(), row.size(), 1 / scale, codes.data());
  return codes;
}

std::vector<std::uint16_t> float16_codes(std::span<const float> values) {
  std::vector<std::uint16_t> codes(values.size());
  portable_codec_kernels().to_float16(values.data(), values.size(), codes.data());
  return codes;
}

void round_matrices(WeightForm form, const ParameterLayout& layout, std::span<float> weights) {
  if (form == WeightForm::kFloat32) return;
  for (const TensorInfo& tensor : layout.tensors()) {
    if (tensor.shape.size() != 2) continue;
    const auto matrix = weights.subspan(tensor.offset, tensor.count);
    if (form == WeightForm::kFloat16) {
      round_to_float16(tensor, matrix);
      continue;
    }
    const auto columns = static_cast<std::size_t>(tensor.shape[1]);
    for (std::size_t at = 0; at < matrix.size(); at += columns) round_to_int8(matrix.subspan(at, columns));
  }
}

}  // namespace genkidama::run
