#include "genkidama/run/export.h"

#include <fmt/format.h>

#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "rl/policy_parts.h"
#include "run/export/c_header.h"
#include "run/export/c_text.h"
#include "run/export/onnx_model.h"
#include "run/export/portable_policy.h"
#include "run/export/recorded_steps.h"
#include "run/export/torchscript_model.h"
#include "run/export/weight_form.h"

namespace genkidama::run {
namespace {

using Path = std::filesystem::path;

constexpr std::pair<ExportFormat, const char*> kFormats[] = {
    {ExportFormat::kC, "c"}, {ExportFormat::kOnnx, "onnx"}, {ExportFormat::kTorchscript, "torchscript"}};

std::string bytes_of(ExportFormat format, const PortablePolicy& policy, const RecordedSteps& steps,
                     const std::string& prefix) {
  switch (format) {
    case ExportFormat::kOnnx:
      return onnx_model(policy, prefix);
    case ExportFormat::kTorchscript:
      return torchscript_model(policy);
    case ExportFormat::kC:
      break;
  }
  return c_header(policy, steps, prefix);
}

std::string summary_of(const PortablePolicy& policy) {
  return fmt::format(
      "{}, {}, {} of {} weights: {} floats{} to {}{}",
      policy.environment.empty() ? "unknown environment" : comment_text(policy.environment), policy.behaviour,
      policy.network, policy.weights.size() + policy.free.size(), policy.observation_size(),
      policy.normaliser.changes_observations() ? ", which are normalised," : "",
      action_space_text(policy.actions),
      policy.has_memory() ? fmt::format(", {} floats of memory", policy.shape.memory.units) : "");
}

RecordedSteps finite_steps(const Path& path, const PortablePolicy& policy, const PolicyParts& parts) {
  RecordedSteps steps = record_steps(policy, parts);
  for (const auto* numbers : {&steps.outputs, &steps.actions}) {
    if (first_non_finite(*numbers) == numbers->size()) continue;
    throw ArgumentError(fmt::format(
        "'{}' holds a policy that gives outputs which are not finite; expected one that has not diverged",
        path.string()));
  }
  return steps;
}

}  // namespace

const char* export_format_name(ExportFormat format) {
  for (const auto& [each, name] : kFormats)
    if (each == format) return name;
  return "?";
}

std::optional<ExportFormat> export_format_of(std::string_view name) {
  for (const auto& [format, each] : kFormats)
    if (name == each) return format;
  return {};
}

void check_export_prefix(const std::string& prefix) {
  if (is_c_prefix(prefix)) return;
  throw ArgumentError(fmt::format(
      "prefix is '{}'; expected a letter, and then letters, digits and underscores, at most {} in all",
      prefix, kLongestPrefix));
}

ExportedPolicy export_policy(const Path& path, const ExportOptions& options) {
  if (!options.prefix.empty()) check_export_prefix(options.prefix);
  if (options.format != ExportFormat::kC && options.weights != WeightForm::kFloat32) {
    throw ArgumentError(fmt::format("weights is '{}' with format '{}'; expected 'f32', or the format 'c'",
                                    weight_form_name(options.weights), export_format_name(options.format)));
  }
  Checkpoint file = read_safetensors(path);
  PolicyRecord record = portable_record(path, file);
  PolicyParts parts = policy_parts(path, std::move(record), {}, std::move(file));
  round_matrices(options.weights, parts.network->layout(), parts.weights);
  PortablePolicy policy = portable_policy(path, parts);
  policy.form = options.weights;
  const RecordedSteps steps = finite_steps(path, policy, parts);
  ExportedPolicy exported;
  exported.prefix = options.prefix.empty() ? export_prefix(policy.environment) : options.prefix;
  exported.summary = summary_of(policy);
  exported.bytes = bytes_of(options.format, policy, steps, exported.prefix);
  return exported;
}

}  // namespace genkidama::run
