#include "genkidama/wire/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "genkidama/wire/moments.h"
#include "genkidama/wire/protocol.h"
#include "genkidama/wire/statistics.h"
#include "wire/guarded_decode.h"
#include "wire/json_document.h"
#include "wire/json_fields.h"
#include "wire/json_text.h"

namespace genkidama {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<RefusalCode, std::string_view>, 6> kRefusalCodes{
    {{RefusalCode::kProtocol, "protocol"},
     {RefusalCode::kLayout, "layout"},
     {RefusalCode::kWeights, "weights"},
     {RefusalCode::kFrame, "frame"},
     {RefusalCode::kSequence, "sequence"},
     {RefusalCode::kBusy, "busy"}}};

std::string hash_text(std::uint64_t hash) {
  return fmt::format("{:016x}", hash);
}

std::string names_text(const std::vector<std::string>& names) {
  return json_list(names, [](const std::string& name) { return json_quoted(name); });
}

std::string layout_text(const ParameterLayout& layout) {
  return json_list(layout.tensors(), [](const TensorInfo& tensor) {
    JsonText text;
    text.add("name", tensor.name);
    text.add_as_is("shape",
                   json_list(tensor.shape, [](std::int64_t dimension) { return std::to_string(dimension); }));
    return text.text();
  });
}

/// What hello and welcome say alike.
template <typename Greeting>
void add_greeting(JsonText& out, std::string_view role, const Greeting& message) {
  out.add("protocol", kProtocolVersion);
  out.add("role", role);
  out.add("name", message.name);
  out.add("run_id", message.run_id);
  out.add("library", message.library);
  out.add_as_is("capabilities", names_text(message.capabilities));
}

/// Peers that know one exchange or one codec only do not say which.
constexpr const char *kUnsaidExchange = "each", *kUnsaidCodec = "f32", *kUnsaidActors = "waiting";

template <typename Greeting>
void add_manner(JsonText& out, const Greeting& message) {
  if (message.exchange != kUnsaidExchange) out.add("exchange", message.exchange);
  if (message.codec != kUnsaidCodec) out.add("codec", message.codec);
}

std::string peer_text(const PeerHello& peer) {
  JsonText out;
  out.add("instance", peer.instance);
  out.add("rule", peer.rule);
  out.add("flow", peer.flow);
  out.add("round", peer.round);
  out.add("neighbours", peer.neighbours);
  out.add("first_weights", hash_text(peer.first_weights));
  return out.text();
}

void add_fields(JsonText& out, const HelloMessage& message) {
  add_greeting(out, message.peer ? "peer" : "child", message);
  if (message.peer) out.add_as_is("peer", peer_text(*message.peer));
  add_manner(out, message);
  out.add("environment_steps", message.environment_steps);
  if (message.round_steps > 0) out.add("round_steps", message.round_steps);
  out.add_as_is("layout", layout_text(message.layout));
  out.add("layout_hash", hash_text(message.layout.hash()));
  if (message.resume) {
    JsonText resume;
    resume.add("session", message.resume->session);
    resume.add("sequence", message.resume->sequence);
    out.add_as_is("resume", resume.text());
  }
  if (message.statistics > 0) {
    out.add("statistics", message.statistics);
    out.add("stream", message.stream);
  }
  if (message.moments) {
    JsonText moments;
    moments.add("size", message.moments->size);
    moments.add("squares_begin", message.moments->squares_begin);
    moments.add("squares_end", message.moments->squares_end);
    out.add_as_is("moments", moments.text());
  }
  if (const auto network = description_text(message.policy.network); !network.empty())
    out.add("network", network);
  if (const auto behaviour = description_text(message.policy.behaviour); !behaviour.empty())
    out.add("behaviour", behaviour);
  if (const auto normalisation = description_text(message.policy.normalisation); !normalisation.empty())
    out.add("normalisation", normalisation);
  if (const auto optimizer = description_text(message.optimizer); !optimizer.empty())
    out.add("optimizer", optimizer);
}

void add_fields(JsonText& out, const WelcomeMessage& message) {
  add_greeting(out, "parent", message);
  add_manner(out, message);
  if (message.longest_wait_ms > 0) out.add("longest_wait_ms", message.longest_wait_ms);
  if (message.actors != kUnsaidActors) out.add("actors", message.actors);
  if (message.places > 1) {
    out.add("place", message.place);
    out.add("places", message.places);
  }
  out.add("session", message.session);
  out.add("update", message.update);
  if (message.sequence) out.add("sequence", *message.sequence);
  if (!message.shown_name.empty()) out.add("shown_name", message.shown_name);
  if (message.statistics > 0) out.add("statistics", message.statistics);
  if (message.moments) out.add("moments", *message.moments);
  if (!message.explored.empty()) out.add_as_is("explored", names_text(message.explored));
  if (message.slice) {
    JsonText slice;
    slice.add("number", message.slice->number);
    slice.add("count", message.slice->count);
    slice.add("begin", message.slice->begin);
    slice.add("end", message.slice->end);
    out.add_as_is("slice", slice.text());
  }
}

void add_fields(JsonText& out, const RefuseMessage& message) {
  out.add("code", refusal_code_text(message.code));
  out.add("reason", printable(message.reason));
}

void add_fields(JsonText& out, const EndMessage& message) {
  out.add("reason", printable(message.reason));
}

void add_fields(JsonText& out, const LeaveMessage& message) {
  out.add("reason", printable(message.reason));
}

void add_fields(JsonText& out, const TakenMessage& message) {
  out.add("sequence", message.sequence);
}

void check_protocol_and_role(JsonFields& fields, std::string_view role) {
  const std::uint64_t protocol = fields.integer("protocol", true);
  if (fields.ok() && protocol != kProtocolVersion) {
    fields.fail(fmt::format("protocol version {}; this side speaks {}", protocol, kProtocolVersion));
  }
  const std::string given = fields.name("role", true);
  if (fields.ok() && given != role) fields.fail(fmt::format("role '{}'; expected '{}'", given, role));
}

std::string peer_name(JsonFields& fields) {
  std::string name = fields.name("name", true);
  if (name.empty()) fields.fail("'name' is empty");
  return name;
}

std::optional<ParameterLayout::Tensor> read_tensor(const json& entry) {
  if (!entry.is_object()) return std::nullopt;
  const auto name = entry.find("name"), shape = entry.find("shape");
  if (name == entry.end() || !name->is_string() || shape == entry.end() || !shape->is_array())
    return std::nullopt;
  ParameterLayout::Tensor tensor{name->get<std::string>(), {}};
  for (const json& dimension : *shape) {
    if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > kMaxJsonInteger)
      return std::nullopt;
    tensor.shape.push_back(dimension.get<std::int64_t>());
  }
  return tensor;
}

ParameterLayout read_layout(JsonFields& fields) {
  const json* entries = fields.array("layout");
  if (entries == nullptr) return {};
  if (entries->size() > kMaxTensors) {
    fields.fail(fmt::format("'layout' has {} tensors; at most {} are allowed", entries->size(), kMaxTensors));
    return {};
  }
  std::vector<ParameterLayout::Tensor> tensors;
  for (const json& entry : *entries) {
    auto tensor = read_tensor(entry);
    if (!tensor) {
      fields.fail(fmt::format("tensor {} of 'layout' has no name or no shape of integers", tensors.size()));
      return {};
    }
    tensors.push_back(std::move(*tensor));
  }
  try {
    ParameterLayout layout(tensors);
    const std::string hash = fields.name("layout_hash", false);
    if (!hash.empty() && hash != hash_text(layout.hash())) {
      fields.fail(fmt::format("'layout_hash' is {}, but the layout given hashes to {}", hash,
                              hash_text(layout.hash())));
    }
    return layout;
  } catch (const ArgumentError& error) {
    fields.fail(fmt::format("'layout': {}", error.what()));
    return {};
  }
}

std::optional<SessionMark> read_resume(JsonFields& fields) {
  const json* object = fields.object("resume");
  if (object == nullptr) return std::nullopt;
  JsonFields inner(*object);
  SessionMark mark;
  mark.session = inner.integer("session", true);
  mark.sequence = inner.integer("sequence", true);
  if (!inner.ok()) fields.fail("'resume': " + inner.reason());
  return mark;
}

std::optional<MomentsShape> read_moments(JsonFields& fields, const ParameterLayout& layout) {
  const json* object = fields.object("moments");
  if (object == nullptr) return std::nullopt;
  JsonFields inner(*object);
  MomentsShape shape;
  shape.size = inner.integer("size", true);
  shape.squares_begin = inner.integer("squares_begin", true);
  shape.squares_end = inner.integer("squares_end", true);
  const std::size_t most = kMostMomentsOfWeight * layout.size();
  if (inner.ok() && shape.size > most)
    inner.fail(fmt::format("'size' is {}; at most {} moments are allowed, {} for each weight", shape.size,
                           most, kMostMomentsOfWeight));
  if (shape.squares_begin > shape.squares_end || shape.squares_end > shape.size)
    inner.fail(fmt::format("squares from {} to {} are no part of {} moments", shape.squares_begin,
                           shape.squares_end, shape.size));
  if (!inner.ok()) fields.fail("'moments': " + inner.reason());
  return shape;
}

std::optional<WeightSlice> read_slice(JsonFields& fields) {
  const json* object = fields.object("slice");
  if (object == nullptr) return std::nullopt;
  JsonFields inner(*object);
  WeightSlice slice;
  slice.number = inner.integer("number", true);
  slice.count = inner.integer("count", true);
  slice.begin = inner.integer("begin", true);
  slice.end = inner.integer("end", true);
  if (inner.ok() && (slice.count < 1 || slice.count > kMostShards || slice.number < 1 ||
                     slice.number > slice.count || slice.begin >= slice.end))
    inner.fail(fmt::format("slice {} of {} from weight {} to before {} is none", slice.number, slice.count,
                           slice.begin, slice.end));
  if (!inner.ok()) fields.fail("'slice': " + inner.reason());
  return slice;
}

template <typename Greeting>
void read_manner(JsonFields& fields, Greeting& message) {
  const std::string exchange = fields.name("exchange", false), codec = fields.name("codec", false);
  if (!exchange.empty()) message.exchange = exchange;
  if (!codec.empty()) message.codec = codec;
}

/// Components of the statistics in each frame.
std::uint64_t read_statistics(JsonFields& fields) {
  const std::uint64_t components = fields.integer("statistics", false);
  if (components > kMaxStatisticsComponents) {
    fields.fail(fmt::format("'statistics' is {}; at most {} components are allowed", components,
                            kMaxStatisticsComponents));
  }
  return components;
}

std::optional<PeerHello> read_peer(JsonFields& fields) {
  const json* object = fields.object("peer");
  if (object == nullptr) return std::nullopt;
  JsonFields inner(*object);
  PeerHello peer;
  peer.instance = inner.integer("instance", true);
  peer.rule = inner.name("rule", true);
  peer.flow = inner.name("flow", true);
  if (inner.ok() && peer.flow != "both" && peer.flow != "sends" && peer.flow != "receives")
    inner.fail(fmt::format("'flow' is '{}'; expected 'both', 'sends' or 'receives'", peer.flow));
  peer.round = inner.integer("round", true);
  peer.neighbours = inner.integer("neighbours", true);
  const std::string first = inner.name("first_weights", true);
  const auto [end, error] =
      std::from_chars(first.data(), first.data() + first.size(), peer.first_weights, 16);
  if (inner.ok() && (error != std::errc() || end != first.data() + first.size()))
    inner.fail(fmt::format("'first_weights' is '{}'; expected a number of 16 hexadecimal digits", first));
  if (!inner.ok()) fields.fail("'peer': " + inner.reason());
  return peer;
}

Message read_hello(JsonFields& fields) {
  HelloMessage message;
  message.peer = read_peer(fields);
  check_protocol_and_role(fields, message.peer ? "peer" : "child");
  message.name = peer_name(fields);
  message.run_id = fields.name("run_id", false);
  message.library = fields.name("library", false);
  message.environment_steps = fields.integer("environment_steps", false);
  message.round_steps = fields.integer("round_steps", false);
  message.layout = read_layout(fields);
  message.capabilities = fields.names("capabilities");
  message.resume = read_resume(fields);
  message.statistics = read_statistics(fields);
  message.stream = fields.integer("stream", message.statistics > 0);
  message.moments = read_moments(fields, message.layout);
  message.policy.network = fields.text("network", false);
  message.policy.behaviour = fields.text("behaviour", false);
  message.policy.normalisation = fields.text("normalisation", false);
  message.optimizer = fields.text("optimizer", false);
  read_manner(fields, message);
  return message;
}

Message read_welcome(JsonFields& fields) {
  WelcomeMessage message;
  check_protocol_and_role(fields, "parent");
  message.name = peer_name(fields);
  message.run_id = fields.name("run_id", true);
  message.library = fields.name("library", false);
  message.session = fields.integer("session", true);
  message.update = fields.integer("update", true);
  message.capabilities = fields.names("capabilities");
  message.sequence = fields.optional_integer("sequence");
  message.shown_name = fields.name("shown_name", false);
  message.statistics = read_statistics(fields);
  message.moments = fields.optional_integer("moments");
  read_manner(fields, message);
  message.longest_wait_ms = fields.integer("longest_wait_ms", false);
  if (const std::string actors = fields.name("actors", false); !actors.empty()) message.actors = actors;
  message.explored = fields.names("explored");
  message.slice = read_slice(fields);
  message.place = fields.integer("place", false);
  message.places = fields.optional_integer("places").value_or(1);
  if (message.place >= message.places || message.places > kMostActorPlaces) {
    fields.fail(fmt::format("place {} among {} actors; expected one below their number, and at most {}",
                            message.place, message.places, kMostActorPlaces));
  }
  return message;
}

Message read_refuse(JsonFields& fields) {
  RefuseMessage message;
  const std::string code = fields.name("code", true);
  message.reason = fields.text("reason", true);
  const auto* known = std::find_if(kRefusalCodes.begin(), kRefusalCodes.end(),
                                   [&](const auto& entry) { return entry.second == code; });
  if (known != kRefusalCodes.end()) {
    message.code = known->first;
  } else if (fields.ok()) {
    fields.fail(fmt::format("unknown code '{}' ({})", code, message.reason));
  }
  return message;
}

std::optional<Message> read_fields(const std::string& type, JsonFields& fields) {
  if (type == "hello") return read_hello(fields);
  if (type == "welcome") return read_welcome(fields);
  if (type == "refuse") return read_refuse(fields);
  if (type == "end") return EndMessage{fields.text("reason", true)};
  if (type == "leave") return LeaveMessage{fields.text("reason", true)};
  if (type == "taken") return TakenMessage{fields.integer("sequence", true)};
  return std::nullopt;
}

Decoded<Message> decode(std::string_view text) {
  std::string reason;
  const JsonDocument parsed(text, reason);
  if (!reason.empty()) return WireError{"text message: " + reason};
  JsonFields fields(parsed.root());
  const std::string type = fields.name("type", true);
  if (!fields.ok()) return WireError{"text message: " + fields.reason()};
  auto message = read_fields(type, fields);
  if (!message) return WireError{fmt::format("text message of unknown type '{}'", type)};
  if (!fields.ok()) return WireError{fmt::format("{} message: {}", type, fields.reason())};
  return std::move(*message);
}

}  // namespace

std::string_view refusal_code_text(RefusalCode code) {
  for (const auto& [known, text] : kRefusalCodes) {
    if (known == code) return text;
  }
  return "protocol";
}

std::string_view message_type(const Message& message) {
  constexpr std::array<std::string_view, std::variant_size_v<Message>> kTypes{"hello", "welcome", "refuse",
                                                                              "end",   "leave",   "taken"};
  return kTypes[message.index()];
}

std::string encode_message(const Message& message) {
  JsonText out;
  out.add("type", message_type(message));
  std::visit([&](const auto& content) { add_fields(out, content); }, message);
  return out.text();
}

Decoded<Message> decode_message(std::string_view text) {
  return guarded_decode(text, decode);
}

bool valid_peer_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

std::string description_text(std::string_view description) {
  return printable(to_utf8(description));
}

std::string printable(std::string_view text) {
  // Bytes 0x80 to 0x9f after 0xc2 are control characters in UTF-8; some terminals obey them.
  std::string result;
  for (std::size_t i = 0; i < text.size() && i < kMaxReasonBytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    result += byte < 0x20 || byte == 0x7f || c1 ? '?' : text[i];
  }
  // A character cut in the middle would grow when it is replaced.
  if (text.size() > kMaxReasonBytes) {
    while (!result.empty() && (static_cast<unsigned char>(result.back()) & 0xc0) == 0x80) result.pop_back();
    if (!result.empty() && static_cast<unsigned char>(result.back()) >= 0xc0) result.pop_back();
  }
  return result;
}

}  // namespace genkidama
