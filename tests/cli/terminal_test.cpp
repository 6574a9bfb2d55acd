#include "cli/terminal/progress.h"

#include "cli/terminal/evaluation_table.h"
#include "cli/terminal/text_table.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;

TEST_CASE("durations are written for people") {
  CHECK(duration_text(12.9) == "12s");
  CHECK(duration_text(200) == "3m20s");
  CHECK(duration_text(3720) == "1h02m");
  CHECK(duration_text(-5) == "0s");
}

TEST_CASE("a table for people tells the interval of an evaluation's mean") {
  std::vector<EpisodeResult> episodes;
  for (int i = 1; i <= 5; ++i) episodes.push_back({10.0 * i, 1, false});
  CHECK(to_table(run::statistics_of(episodes, 0)).find("95 % interval 1") != std::string::npos);
}

TEST_CASE("the columns of a table for people are aligned") {
  CHECK(aligned_table({"name", "x"}, {{"a", "100"}, {"long name", "2"}}) ==
        "name         x\na          100\nlong name    2\n");
}
