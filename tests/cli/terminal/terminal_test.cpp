#include <algorithm>
#include <string>
#include <vector>

#include "cli/terminal/evaluation_table.h"
#include "cli/terminal/fitted_line.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/text_table.h"
#include "fixture.h"
#include "on_terminal.h"
#include "run/evaluation/figure_text.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;
using namespace genkidama::test;

namespace {

// The states of the line that is rewritten in place.
std::vector<std::string> live_lines(const std::string& text) {
  const std::string erase = "\r\x1b[K";
  std::vector<std::string> lines;
  for (auto start = text.find(erase); start != std::string::npos;) {
    start += erase.size();
    const auto next = text.find(erase, start);
    const std::string line = text.substr(start, std::min(text.find_first_of("\r\n", start), next) - start);
    if (line.rfind("update ", 0) == 0 || line.find("mean return") != std::string::npos) lines.push_back(line);
    start = next;
  }
  return lines;
}

}  // namespace

TEST_CASE("durations are written for people") {
  CHECK(genkidama::run::duration_text(12.9) == "12s");
  CHECK(genkidama::run::duration_text(200) == "3m20s");
  CHECK(genkidama::run::duration_text(3720) == "1h02m");
  CHECK(genkidama::run::duration_text(-5) == "0s");
}

TEST_CASE("a table for people tells the interval of an evaluation's mean") {
  std::vector<EpisodeResult> episodes;
  for (int i = 1; i <= 5; ++i) episodes.push_back({10.0 * i, 1, false});
  CHECK(to_table(run::statistics_of(episodes, 0)).find("95 % interval 1") != std::string::npos);
}

TEST_CASE("a table for people tells the mean and the interval of each metric") {
  std::vector<EpisodeResult> episodes;
  for (int i = 0; i < 4; ++i) episodes.push_back({1, 1, false, {i < 3 ? 1.0f : 0.0f}});
  const std::vector<std::string> names = {"success"};
  const std::string table = to_table(run::statistics_of(episodes, 0, names));
  CAPTURE(table);
  CHECK(table.find("  success                0.75 (standard error 0.25, 95 % interval 0.25 to 1.00)\n") !=
        std::string::npos);
  run::CheckpointEvaluation evaluation;
  evaluation.statistics = run::statistics_of(episodes, 0, names);
  const std::string several = to_table(std::vector{evaluation, evaluation});
  CAPTURE(several);
  CHECK(several.find("success") != std::string::npos);
  CHECK(several.find("0.75") != std::string::npos);
}

TEST_CASE("small and large returns keep their digits in a table for people") {
  std::vector<EpisodeResult> episodes;
  for (int i = 0; i < 100; ++i) episodes.push_back({0.969 + (i % 2 == 0 ? 0.02 : -0.02), 1, false});
  const std::string small = to_table(run::statistics_of(episodes, 0));
  CAPTURE(small);
  CHECK(small.find("0.9690 (standard error 0.0020, 95 % interval 0.96") != std::string::npos);
  CHECK(small.find("0.9490, 0.9890") != std::string::npos);

  for (EpisodeResult& episode : episodes) episode.episode_return *= 1e30;
  const std::string large = to_table(run::statistics_of(episodes, 0));
  CAPTURE(large);
  CHECK(large.find("9.690e+29") != std::string::npos);
  CHECK(large.find("00000") == std::string::npos);
}

TEST_CASE("the columns of a table for people are aligned") {
  CHECK(aligned_table({"name", "x"}, {{"a", "100"}, {"long name", "2"}}) ==
        "name         x\na          100\nlong name    2\n");
}

TEST_CASE("a line that does not fit loses the parts that matter least") {
  const std::vector<LinePart> parts = {{"update 7", 2}, {"12 steps/s", 3}, {"mean 5", 0}, {"3s left", 1}};
  CHECK(fitted_line(parts, 100) == "update 7  12 steps/s  mean 5  3s left");
  CHECK(fitted_line(parts, 37) == "update 7  12 steps/s  mean 5  3s left");
  CHECK(fitted_line(parts, 36) == "update 7  mean 5  3s left");
  CHECK(fitted_line(parts, 20) == "mean 5  3s left");
  CHECK(fitted_line(parts, 6) == "mean 5");
  CHECK(fitted_line(parts, 4) == "mean");
  CHECK(fitted_line({{"a", 1}, {"b", 1}}, 3) == "a");
}

TEST_CASE("a line is measured and cut in characters, not in bytes") {
  CHECK(fitted_line({{"\xC3\xA4\xC3\xB6\xC3\xBC"}}, 3) == "\xC3\xA4\xC3\xB6\xC3\xBC");
  CHECK(fitted_line({{"\xC3\xA4\xC3\xB6\xC3\xBC"}}, 2) == "\xC3\xA4\xC3\xB6");
}

TEST_CASE("progress fits a narrow terminal, with the mean return and the time left") {
  const TemporaryDirectory directory;
  for (const unsigned columns : {80U, 40U}) {
    CAPTURE(columns);
    const std::string text =
        on_terminal(call("train", "--workers", "1", "--max-steps", "150000", "--eval-episodes", "0",
                         "--run-dir", (directory / std::to_string(columns)).string()),
                    columns);
    CAPTURE(text);
    const std::vector<std::string> lines = live_lines(text);
    REQUIRE_FALSE(lines.empty());
    for (const std::string& line : lines) CHECK(line.size() < columns);
    CHECK(lines.back().find("mean return ") != std::string::npos);
    CHECK(lines.back().find(" left") != std::string::npos);
  }
}
