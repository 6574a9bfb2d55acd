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
#include "run/export/weight_form.h"

namespace genkidama::run {
namespace {

using Path = std::filesystem::path;

constexpr ExportFormat kFormats[] = {ExportFormat::kC, ExportFormat::kOnnx};

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
  return format == ExportFormat::kC ? "c" : "onnx";
}

std::optional<ExportFormat> export_format_of(std::string_view name) {
  for (const ExportFormat format : kFormats) {
    if (name == export_format_name(format)) return format;
  }
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
    throw ArgumentError(fmt::format("weights is '{}' of an ONNX model; expected 'f32', or a header of C",
                                    weight_form_name(options.weights)));
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
  exported.bytes = options.format == ExportFormat::kC ? c_header(policy, steps, exported.prefix)
                                                      : onnx_model(policy, exported.prefix);
  return exported;
}

}  // namespace genkidama::run
