#pragma once

/// @file
/// A trained policy in a form that does not need this library: a C header for a small board, an ONNX model,
/// or a TorchScript module.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// What a policy can be written as.
enum class ExportFormat {
  kC,           ///< one header of C99, which is C++ too: no allocation, and no other header but <stdint.h>
  kOnnx,        ///< an ONNX model, opset 13
  kTorchscript  ///< a TorchScript module, which LibTorch and PyTorch load from version 1.7 on
};

/// "c", "onnx" or "torchscript".
const char* export_format_name(ExportFormat format);
/// The format with a name, if there is one.
std::optional<ExportFormat> export_format_of(std::string_view name);

/// How a header of C holds the network's matrices. Biases are always floats, and so is all arithmetic.
enum class WeightForm {
  kFloat32,  ///< as the policy's file has them
  kFloat16,  ///< rounded to 16 bits of IEEE 754, at most 65504
  kInt8      ///< whole numbers of 8 bits, -127 to 127, and one scale for all weights of a unit
};

/// "f32", "f16" or "int8".
const char* weight_form_name(WeightForm form);
/// The form with a name, if there is one.
std::optional<WeightForm> weight_form_of(std::string_view name);

/// How export_policy() writes.
struct ExportOptions {
  ExportFormat format = ExportFormat::kC;  ///< what is written
  /// What the header's identifiers begin with: an identifier of C of at most 60 characters that begins with a
  /// letter. Empty: the environment's name, as export_prefix() makes it.
  std::string prefix{};
  /// What the header records of itself for its test is computed with the rounded weights.
  WeightForm weights = WeightForm::kFloat32;
};

/// What export_policy() made.
struct ExportedPolicy {
  std::string bytes;    ///< the file's content
  std::string prefix;   ///< of its identifiers
  std::string summary;  ///< one line for people: the environment, the network, what goes in and comes out
};

/// An identifier of C for the name of an environment: "lunar_lander_v2" for "LunarLander-v2", and "policy"
/// where nothing of the name can be used.
std::string export_prefix(std::string_view environment);

/// Throws ArgumentError unless `prefix` is what ExportOptions::prefix takes, but for the empty one.
void check_export_prefix(const std::string& prefix);

/// Reads a policy as load_policy() does and puts it into another form: its network, what its observations are
/// normalised with, and how an action follows from the outputs. The same file gives the same bytes. Nothing
/// is written.
///
/// The outputs that the form computes are the library's, to within a few roundings of a float.
///
/// Throws what load_policy() throws for a bad file, and ArgumentError for a prefix that is no identifier, for
/// rounded weights in a form that is no header, for a weight that a 16-bit float does not reach, and for a
/// policy whose network, or whose way of acting, does not come with the library.
ExportedPolicy export_policy(const std::filesystem::path& policy, const ExportOptions& options = {});

}  // namespace run
}  // namespace genkidama
