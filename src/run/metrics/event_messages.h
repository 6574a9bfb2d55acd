#pragma once

/// @file
/// The events that TensorBoard reads, as bytes: TensorFlow's message Event with the few fields that a run has
/// to fill in (tensorboard/compat/proto/event.proto, summary.proto, plugins/hparams/plugin_data.proto).

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace genkidama::run {

/// A figure under the name that TensorBoard shows it by.
struct Scalar {
  std::string tag;
  double value = 0;  ///< written as float32
};

/// What every event file begins with. `wall` is the time in seconds since 1970, here and below.
std::string version_event(double wall);

/// Readers that hold events of this `step` or later forget them: a run goes on from before them.
std::string restart_event(double wall, std::uint64_t step);

std::string scalars_event(double wall, std::uint64_t step, std::span<const Scalar> scalars);

/// The beginning of a session of the plugin "hparams": the numbers, truth values and texts of a JSON object.
std::string hyperparameters_event(double wall, std::uint64_t step, const nlohmann::ordered_json& values);

/// Its end, with success.
std::string success_event(double wall, std::uint64_t step);

/// The step of an event that one of these has made; nothing for other bytes.
std::optional<std::uint64_t> step_of_event(std::string_view event);

}  // namespace genkidama::run
