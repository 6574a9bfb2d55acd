#include "cli/commands/commands.h"
#include "cli/commands/result_file.h"
#include "cli/terminal/output.h"
#include "core/one_line.h"
#include "genkidama/core/atomic_file.h"
#include "run/report/episode_picture.h"
#include "run/report/run_page.h"

namespace genkidama::cli {

int run_report(Job job) {
  const ReadingOptions& reading = job.settings.reading;
  const std::string& given = job.settings.out;
  check_result_file("--out", given, ".html");
  const run::RecordedRun record = run::read_recorded_run(reading.runs.front());
  const std::filesystem::path out =
      given.empty() ? record.directory.path() / "report.html" : std::filesystem::path(given);
  run::PageParts parts;
  if (!reading.episode.empty()) parts.episode = run::episode_picture(reading.episode);
  write_file_atomically(out, run::run_page(record, parts));
  for (const std::string& note : record.notes) print("{}\n", as_one_line(note));
  print("The report is in {}.\n", out.string());
  return 0;
}

}  // namespace genkidama::cli
