#include "run/metrics/event_messages.h"

#include <nlohmann/json.hpp>

#include "core/message_bytes.h"

namespace genkidama::run {
namespace {

// Field numbers of the messages that are named in the functions below.
namespace event {
constexpr unsigned kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
}
namespace value {
constexpr unsigned kTag = 1, kSimpleValue = 2, kTensor = 8, kMetadata = 9;
}
namespace hparams {
constexpr unsigned kSessionStart = 3, kSessionEnd = 4;
}

MessageBytes event_at(double wall, std::uint64_t step) {
  return MessageBytes().number(event::kWallTime, wall).whole(event::kStep, step);
}

/// Summary.Value of the plugin, whose data are `field` of an HParamsPluginData.
std::string hparams_event(double wall, std::uint64_t step, std::string_view tag, unsigned field,
                          const MessageBytes& data) {
  // SummaryMetadata with its plugin_data: the plugin's name and content.
  const MessageBytes plugin =
      MessageBytes().text(1, "hparams").message(2, MessageBytes().message(field, data));
  // A TensorProto of one float: the value of such a tag is a tensor, and nobody looks at it.
  const MessageBytes shape = MessageBytes().message(2, MessageBytes().whole(1, 1));
  const MessageBytes tensor = MessageBytes().whole(1, 1).message(2, shape).text(5, std::string(4, '\0'));
  const MessageBytes summary =
      MessageBytes().message(1, MessageBytes()
                                    .text(value::kTag, tag)
                                    .message(value::kTensor, tensor)
                                    .message(value::kMetadata, MessageBytes().message(1, plugin)));
  return event_at(wall, step).message(event::kSummary, summary).bytes();
}

/// A google.protobuf.Value; nothing for a value that the plugin does not show.
std::optional<MessageBytes> protobuf_value(const nlohmann::ordered_json& json) {
  if (json.is_number()) return MessageBytes().number(2, json.get<double>());
  if (json.is_string()) return MessageBytes().text(3, json.get_ref<const std::string&>());
  if (json.is_boolean()) return MessageBytes().whole(4, json.get<bool>() ? 1 : 0);
  return {};
}

}  // namespace

std::string version_event(double wall) {
  return MessageBytes().number(event::kWallTime, wall).text(event::kFileVersion, "brain.Event:2").bytes();
}

std::string restart_event(double wall, std::uint64_t step) {
  // SessionLog with the status START.
  return event_at(wall, step).message(event::kSessionLog, MessageBytes().whole(1, 1)).bytes();
}

std::string scalars_event(double wall, std::uint64_t step, std::span<const Scalar> scalars) {
  MessageBytes summary;
  for (const Scalar& each : scalars) {
    summary.message(1, MessageBytes()
                           .text(value::kTag, each.tag)
                           .number(value::kSimpleValue, static_cast<float>(each.value)));
  }
  return event_at(wall, step).message(event::kSummary, summary).bytes();
}

std::string hyperparameters_event(double wall, std::uint64_t step, const nlohmann::ordered_json& values) {
  MessageBytes start;
  for (const auto& [name, json] : values.items()) {
    const auto shown = protobuf_value(json);
    if (shown) start.message(1, MessageBytes().text(1, name).message(2, *shown));
  }
  start.number(5, wall);
  return hparams_event(wall, step, "_hparams_/session_start_info", hparams::kSessionStart, start);
}

std::string success_event(double wall, std::uint64_t step) {
  // SessionEndInfo with the status SUCCESS.
  return hparams_event(wall, step, "_hparams_/session_end_info", hparams::kSessionEnd,
                       MessageBytes().whole(1, 1).number(2, wall));
}

std::optional<std::uint64_t> step_of_event(std::string_view event) {
  constexpr std::size_t kWallBytes = 9;  // with the field's key
  if (event.size() < kWallBytes || event.front() != (event::kWallTime << 3 | 1)) return {};
  event.remove_prefix(kWallBytes);
  // The version has no step, which is 0 then.
  if (event.empty() || event.front() != event::kStep << 3) return 0;
  std::uint64_t step = 0;
  for (unsigned i = 1; i < event.size() && i <= 10; ++i) {
    const auto byte = static_cast<unsigned char>(event[i]);
    step |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * (i - 1));
    if (byte < 0x80) return step;
  }
  return {};
}

}  // namespace genkidama::run
