#include "net/parent/lost_sessions.h"

#include "support/catch.h"

using namespace genkidama;

TEST_CASE("lost sessions are remembered up to a number, the first one lost is forgotten first", "[pace]") {
  LostSessions lost;
  SessionRecord record;
  record.own_name = "c";
  for (std::uint64_t session = 1; session <= LostSessions::kMost + 2; ++session) {
    record.status.session = session;
    lost.keep(record);
  }
  CHECK(lost.size() == LostSessions::kMost);
  CHECK_FALSE(lost.take(2, "c"));
  CHECK(lost.take(3, "c"));
  CHECK_FALSE(lost.take(3, "c"));
  CHECK_FALSE(lost.take(4, "d"));
  CHECK(lost.take(4, "c"));
}
