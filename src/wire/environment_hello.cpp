#include "genkidama/wire/environment_hello.h"

#include <fmt/format.h>

#include <cmath>
#include <exception>
#include <limits>
#include <new>
#include <utility>

#include "genkidama/core/is_finite.h"
#include "genkidama/wire/environment_frames.h"
#include "genkidama/wire/message.h"
#include "genkidama/wire/protocol.h"
#include "wire/guarded_decode.h"
#include "wire/json_document.h"
#include "wire/json_fields.h"
#include "wire/json_text.h"

namespace genkidama {
namespace {

using nlohmann::json;

constexpr const char *kType = "environment_hello", *kRole = "environment_host";
constexpr std::size_t kMostDimensions = 8, kMostComponents = 4'096, kMostMetrics = 16;
constexpr std::uint64_t kMostNumber = std::numeric_limits<std::int32_t>::max();

std::string numbers_text(const std::vector<std::uint64_t>& numbers) {
  return json_list(numbers, [](std::uint64_t number) { return std::to_string(number); });
}

/// Shortest text that is read as the same float; JSON has no infinities, and null stands for no bound.
std::string bounds_text(const std::vector<float>& bounds) {
  return json_list(bounds, [](float bound) { return is_finite(bound) ? fmt::format("{}", bound) : "null"; });
}

/// The array, if it has at most so many entries.
const json* list_of(JsonFields& fields, const char* key, std::size_t most) {
  const json* entries = fields.array(key);
  if (entries == nullptr || entries->size() <= most) return entries;
  fields.fail(fmt::format("'{}' has {} entries; at most {} are allowed", key, entries->size(), most));
  return nullptr;
}

std::vector<std::uint64_t> read_numbers(JsonFields& fields, const char* key, std::size_t most) {
  std::vector<std::uint64_t> numbers;
  const json* entries = list_of(fields, key, most);
  if (entries == nullptr) return numbers;
  for (const json& entry : *entries) {
    const bool is_sound = entry.is_number_unsigned() && entry.get<std::uint64_t>() >= 1 &&
                          entry.get<std::uint64_t>() <= kMostNumber;
    if (!is_sound) {
      fields.fail(fmt::format("'{}' holds something else than integers from 1 to {}", key, kMostNumber));
      return {};
    }
    numbers.push_back(entry.get<std::uint64_t>());
  }
  return numbers;
}

std::vector<float> read_bounds(JsonFields& fields, const char* key, float unbounded) {
  std::vector<float> bounds;
  const json* entries = list_of(fields, key, kMostComponents);
  if (entries == nullptr) return bounds;
  for (const json& entry : *entries) {
    const double number = entry.is_number() ? entry.get<double>() : 0;
    const bool is_float = std::abs(number) <= std::numeric_limits<float>::max();
    if ((!entry.is_number() && !entry.is_null()) || !is_float) {
      fields.fail(fmt::format("'{}' holds something else than numbers that a float holds and null", key));
      return {};
    }
    bounds.push_back(entry.is_number() ? static_cast<float>(number) : unbounded);
  }
  return bounds;
}

EnvironmentDescription read_description(JsonFields& outer) {
  EnvironmentDescription description;
  const json* object = outer.object("environment");
  if (object == nullptr) {
    outer.fail("'environment' is missing");
    return description;
  }
  JsonFields fields(*object);
  description.name = fields.text("name", true);
  if (fields.ok() && description.name.empty()) fields.fail("'name' is empty");
  description.observation_shape = read_numbers(fields, "observation_shape", kMostDimensions);
  if (fields.ok() && description.observation_shape.empty()) fields.fail("'observation_shape' is empty");
  description.choices = read_numbers(fields, "choices", kMostComponents);
  description.low = read_bounds(fields, "low", -std::numeric_limits<float>::infinity());
  description.high = read_bounds(fields, "high", std::numeric_limits<float>::infinity());
  if (fields.ok() && description.low.size() != description.high.size())
    fields.fail(
        fmt::format("'low' has {} entries and 'high' {}", description.low.size(), description.high.size()));
  const std::uint64_t masks = fields.integer("masks_actions", true);
  if (masks > 1) fields.fail("'masks_actions' is neither 0 nor 1");
  description.masks_actions = masks == 1;
  description.time_limit = fields.integer("time_limit", true);
  description.metrics = fields.names("metrics");
  if (description.metrics.size() > kMostMetrics)
    fields.fail(fmt::format("'metrics' has {} names; at most {} are allowed", description.metrics.size(),
                            kMostMetrics));
  if (!fields.ok()) outer.fail("'environment': " + fields.reason());
  return description;
}

Decoded<EnvironmentHello> decode(std::string_view text) {
  std::string reason;
  const JsonDocument parsed(text, reason);
  if (!reason.empty()) return WireError{"text message: " + reason};
  JsonFields fields(parsed.root());
  if (const std::string type = fields.name("type", true); fields.ok() && type != kType)
    fields.fail(fmt::format("type '{}'; expected '{}'", type, kType));
  const std::uint64_t protocol = fields.integer("protocol", true);
  if (fields.ok() && protocol != kProtocolVersion)
    fields.fail(fmt::format("protocol version {}; this side speaks {}", protocol, kProtocolVersion));
  if (const std::string role = fields.name("role", true); fields.ok() && role != kRole)
    fields.fail(fmt::format("role '{}'; expected '{}'", role, kRole));
  EnvironmentHello hello;
  hello.name = fields.name("name", true);
  if (fields.ok() && hello.name.empty()) fields.fail("'name' is empty");
  hello.library = fields.name("library", false);
  hello.environments = fields.integer("environments", true);
  if (fields.ok() && (hello.environments < 1 || hello.environments > kMostHostEnvironments))
    fields.fail(
        fmt::format("'environments' is {}; expected 1 to {}", hello.environments, kMostHostEnvironments));
  hello.environment = read_description(fields);
  if (!fields.ok()) return WireError{fmt::format("{} message: {}", kType, fields.reason())};
  return hello;
}

}  // namespace

std::string encode_environment_hello(const EnvironmentHello& hello) {
  const EnvironmentDescription& of = hello.environment;
  JsonText environment;
  environment.add("name", of.name);
  environment.add_as_is("observation_shape", numbers_text(of.observation_shape));
  environment.add_as_is("choices", numbers_text(of.choices));
  environment.add_as_is("low", bounds_text(of.low));
  environment.add_as_is("high", bounds_text(of.high));
  environment.add("masks_actions", std::uint64_t{of.masks_actions ? 1u : 0u});
  environment.add("time_limit", of.time_limit);
  environment.add_as_is("metrics",
                        json_list(of.metrics, [](const std::string& name) { return json_quoted(name); }));
  JsonText text;
  text.add("type", kType);
  text.add("protocol", std::uint64_t{kProtocolVersion});
  text.add("role", kRole);
  text.add("name", hello.name);
  text.add("library", hello.library);
  text.add("environments", hello.environments);
  text.add_as_is("environment", environment.text());
  return text.text();
}

bool is_environment_hello(std::string_view text) {
  try {
    std::string reason;
    const JsonDocument parsed(text, reason);
    if (!reason.empty()) return false;
    JsonFields fields(parsed.root());
    return fields.name("type", true) == kType && fields.ok();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return false;
  }
}

Decoded<EnvironmentHello> decode_environment_hello(std::string_view text) {
  return guarded_decode(text, decode);
}

}  // namespace genkidama
