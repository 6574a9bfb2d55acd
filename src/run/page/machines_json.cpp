#include <nlohmann/json.hpp>
#include <string>

#include "genkidama/core/utf8.h"
#include "run/page/json_text.h"
#include "run/page/machine_table.h"

namespace genkidama::run {
namespace {

using nlohmann::ordered_json;

template <typename Number>
void put(ordered_json& object, const char* key, const std::optional<Number>& value) {
  if (value) object[key] = *value;
}

void put(ordered_json& object, const char* key, const std::optional<double>& value) {
  // With as many digits as a table shows.
  if (value && is_finite(*value)) object[key] = ordered_json::parse(fmt::format("{:.4g}", *value));
}

void put(ordered_json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = to_utf8(value);
}

ordered_json json_of(const MachineRow& row) {
  ordered_json json;
  json["name"] = to_utf8(row.name);
  put(json, "address", row.address);
  put(json, "codec", row.codec);
  put(json, "flow", row.flow);
  if (!row.connected) json["away"] = true;
  if (row.late) json["late"] = true;
  put(json, "updates", row.updates);
  put(json, "steps", row.steps);
  put(json, "staleness", row.staleness);
  put(json, "received", row.bytes_received);
  put(json, "sent", row.bytes_sent);
  put(json, "environments", row.environments);
  put(json, "pace", row.steps_per_second);
  put(json, "silence", row.seconds_since_update);
  put(json, "round", row.round_seconds);
  put(json, "distance", row.distance);
  put(json, "influence", row.influence);
  put(json, "agreement", row.agreement);
  return json;
}

}  // namespace

std::string json_of(const MachineTable& table) {
  const LinkFigures& counts = table.counts;
  ordered_json json;
  json["kind"] = counts.kind;
  json["connected"] = counts.connected;
  json["machines"] = table.machines;
  json["late"] = table.late;
  if (table.steps_per_second > 0) put(json, "pace", std::optional(table.steps_per_second));
  json["received"] = counts.bytes_received;
  json["sent"] = counts.bytes_sent;
  put(json, "joined", counts.joined);
  put(json, "left", counts.left);
  put(json, "refused_updates", counts.refused_updates);
  put(json, "reconnects", counts.reconnects);
  put(json, "exchanges", counts.exchanges);
  put(json, "late_contributions", counts.late_contributions);
  put(json, "rounds_by_deadline", counts.rounds_by_deadline);
  put(json, "stale_gradients", counts.stale_gradients);
  put(json, "lost_steps", counts.lost_steps);
  put(json, "waited", counts.waited_seconds);
  auto& refused = json["refused"] = ordered_json::object();
  for (const auto& [reason, count] : counts.refused_peers) {
    if (count > 0) refused[reason] = count;
  }
  if (table.is_below) json["above"] = *table.is_below;
  auto& rows = json["rows"] = ordered_json::array();
  for (const MachineRow& row : table.rows) rows.push_back(json_of(row));
  return json.dump();
}

}  // namespace genkidama::run
