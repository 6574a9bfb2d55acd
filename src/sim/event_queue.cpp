#include "sim/event_queue.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"

namespace genkidama::sim {

void refuse_span(double seconds) {
  throw ArgumentError(fmt::format(
      "something takes {:.3g} virtual seconds, a round, a gradient or a transfer; expected at most "
      "{:g}: give faster machines or links",
      seconds, kLongestSpan_s));
}

void refuse_time() {
  throw ArgumentError(fmt::format(
      "the simulation goes on for more than {:.2g} virtual seconds; expected fewer: give faster machines or "
      "links, or an earlier end",
      seconds_of(kLatest - kBeginning)));
}

}  // namespace genkidama::sim
