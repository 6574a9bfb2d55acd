#include "run/report/run_page.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "genkidama/core/error.h"
#include "run/directory/json_file.h"
#include "run/directory/run_lock.h"
#include "run/report/episode_picture.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string page_of(const std::filesystem::path& directory, const PageParts& parts = {}) {
  return run_page(read_recorded_run(directory), parts);
}

}  // namespace

TEST_CASE("a run's page has its figures, curves, Children, machine and settings") {
  const TemporaryDirectory folder;
  std::ofstream(folder / "config.json")
      << R"({"environment": "CartPole", "preset": "tuned", "seed": 3, "gamma": 0.9})";
  std::ofstream(folder / "summary.json")
      << R"({"ended_by": "max_steps", "wall_seconds": 200, "processor_seconds": 390, "environment_steps": 1000,)"
      << R"("final_evaluation": {"mean": 481.5, "standard_error": 2.5, "ci_low": 476, "ci_high": 486},)"
      << R"("machine": {"cores": 2}, "children": {"child_1": {"updates": 12, "movement_share": 0.25}},)"
      << R"("influence_suggestion": "look at child_1"})";
  std::ofstream(folder / "metrics.csv")
      << "update,environment_steps,wall_seconds,steps_per_second,child_return_mean,entropy,approximate_kl\n"
      << "1,100,1,100,20,0.6,0\n2,200,2,100,40,0.5,0\n";
  std::ofstream(folder / "evaluations.csv")
      << "update,environment_steps,wall_seconds,return_mean\n1,100,1,33.25\n";
  const std::string page = page_of(folder.path());
  for (const char* const part :
       {"CartPole, preset tuned, seed 3", "<b>max_steps</b>", "481.5", "476.0 to 486.0", "3m20s", "6m30s",
        "child_1", "look at child_1", "Entropy of the policy", "Environment steps per second", "33.25",
        "cores", "<td>gamma</td><td>0.9</td>"}) {
    CAPTURE(part);
    CHECK(contains(page, part));
  }
  // 0 throughout, as with an algorithm that has none.
  CHECK_FALSE(contains(page, "(KL)"));
  CHECK_FALSE(contains(page, "An episode"));
  CHECK(contains(page_of(folder.path(), {"<svg id=\"landing\"></svg>"}), "<svg id=\"landing\"></svg>"));
}

TEST_CASE("a page is made of whatever is left of a run") {
  const TemporaryDirectory folder;
  std::ofstream(folder / "config.json") << "";
  const std::string page = page_of(folder.path());
  CHECK(contains(page, "How the run ended is not known"));
  CHECK(contains(page, "There is nothing to draw yet."));
  CHECK(contains(page, "metrics.csv is missing"));
}

TEST_CASE("a run that goes on is told from one that was killed") {
  const TemporaryDirectory folder;
  std::ofstream(folder / "config.json") << "{}";
  std::ofstream(folder / "summary.json") << R"({"ended_by": "signal"})";
  const RunLock lock(folder / ".lock");
  const std::string page = page_of(folder.path());
  CHECK(contains(page, "still under way"));
  CHECK_FALSE(contains(page, "signal"));
}

TEST_CASE("a recorded episode becomes a picture that the page holds") {
  const TemporaryDirectory folder;
  const auto file = folder / "landing.svg";
  const auto picture_of = [&file](const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
    return episode_picture(file);
  };
  // RFC 4648, section 10.
  CHECK(contains(picture_of("f"), "src=\"data:image/svg+xml;base64,Zg==\""));
  CHECK(contains(picture_of("fo"), ",Zm8=\""));
  CHECK(contains(picture_of("foobar"), ",Zm9vYmFy\""));
  CHECK(contains(picture_of("\xff\xfe"), ",//4=\""));
  CHECK_THROWS_AS(picture_of(""), ArgumentError);
  CHECK_THROWS_AS(episode_picture(folder / "none.gif"), ArgumentError);
  CHECK_THROWS_AS(episode_picture(folder.path()), ArgumentError);
}

TEST_CASE("a JSON object is read from a plain file alone, and no deeper than anyone looks") {
  const TemporaryDirectory folder;
  const auto file = folder / "file.json";
  CHECK_FALSE(read_json_object(file));
  CHECK_FALSE(read_json_object(folder.path()));
  std::ofstream(file) << "{\"a\": ";
  CHECK_FALSE(read_json_object(file));
  std::ofstream(file) << "{\"a\": " << std::string(100'000, '[') << std::string(100'000, ']')
                      << ", \"b\": 1}";
  const auto deep = read_json_object(file);
  REQUIRE(deep);
  CHECK(deep->at("b") == 1);
  CHECK(deep->dump().size() < 1000);
}
