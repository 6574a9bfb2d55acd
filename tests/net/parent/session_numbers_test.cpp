#include "net/parent/session_numbers.h"

#include "genkidama/net/parent.h"
#include "genkidama/wire/protocol.h"
#include "support/catch.h"

using namespace genkidama;

TEST_CASE("session numbers of different epochs differ, and all fit into JSON", "[pace]") {
  SessionNumbers first(0), second(1), last(kMaxEpoch);
  CHECK(first.next() == 1);
  CHECK(first.next() == 2);
  CHECK(second.next() == SessionNumbers::kPerEpoch + 1);
  CHECK(SessionNumbers::epoch_of(*second.next()) == 1);
  CHECK(last.epoch() == kMaxEpoch);
  CHECK(kMaxEpoch * SessionNumbers::kPerEpoch + (SessionNumbers::kPerEpoch - 1) == kMaxJsonInteger);
}
