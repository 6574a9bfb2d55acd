#include "run/host_report.h"

#include <fmt/format.h>

namespace genkidama::run {

std::vector<std::string> HostReport::columns() {
  return {"hosts",      "hosted_environments", "round_trips",           "bytes_received",
          "bytes_sent", "lost_hosts",          "replaced_environments", "lost_steps"};
}

std::vector<std::string> HostReport::fields(const HostedEnvironmentsStatus& now) {
  std::vector<std::string> fields;
  for (const std::uint64_t count : {std::uint64_t{now.hosts.size()}, now.hosted, now.frames - before_.frames,
                                    now.bytes_received - before_.bytes_received,
                                    now.bytes_sent - before_.bytes_sent, now.lost_hosts - before_.lost_hosts,
                                    now.replaced - before_.replaced, now.lost_steps - before_.lost_steps})
    fields.push_back(fmt::format("{}", count));
  before_ = now;
  return fields;
}

nlohmann::ordered_json to_json(const HostedEnvironmentsStatus& status) {
  nlohmann::ordered_json json = {{"connected", status.hosts.size()},
                                 {"joined", status.joined},
                                 {"lost", status.lost_hosts},
                                 {"environments", status.environments},
                                 {"hosted_environments", status.hosted},
                                 {"replaced_environments", status.replaced},
                                 {"steps", status.steps},
                                 {"episodes_begun", status.resets},
                                 {"lost_steps", status.lost_steps},
                                 {"round_trips", status.frames},
                                 {"bytes_received", status.bytes_received},
                                 {"bytes_sent", status.bytes_sent},
                                 {"refused_peers", status.refused_peers},
                                 {"refused_frames", status.refused_frames},
                                 {"last_refusal", status.last_refusal}};
  json["by_host"] = nlohmann::ordered_json::array();
  for (const EnvironmentHostStatus& host : status.hosts) {
    json["by_host"].push_back({{"name", host.name},
                               {"address", host.address},
                               {"environments", host.environments},
                               {"used", host.used},
                               {"steps", host.steps}});
  }
  return json;
}

}  // namespace genkidama::run
