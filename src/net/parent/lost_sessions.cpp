#include "net/parent/lost_sessions.h"

#include <algorithm>
#include <utility>

namespace genkidama {

void LostSessions::keep(SessionRecord record) {
  if (records_.size() == kMost) records_.pop_front();
  records_.push_back(std::move(record));
}

std::optional<SessionRecord> LostSessions::take(std::uint64_t session, const std::string& own_name) {
  const auto found = std::find_if(records_.begin(), records_.end(), [&](const SessionRecord& record) {
    return record.status.session == session && record.own_name == own_name;
  });
  if (found == records_.end()) return std::nullopt;
  SessionRecord record = std::move(*found);
  records_.erase(found);
  return record;
}

}  // namespace genkidama
