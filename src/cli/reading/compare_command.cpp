#include "cli/commands/commands.h"
#include "cli/commands/result_file.h"
#include "cli/reading/comparison_table.h"
#include "cli/terminal/output.h"
#include "core/one_line.h"
#include "genkidama/core/atomic_file.h"
#include "run/report/comparison.h"

namespace genkidama::cli {

int run_compare(Job job) {
  const ReadingOptions& reading = job.settings.reading;
  const std::string& out = job.settings.out;
  check_result_file("--out", out, ".svg");
  run::ComparisonOptions options;
  options.runs.assign(reading.runs.begin(), reading.runs.end());
  options.axis = reading.axis;
  options.column = reading.column;
  options.patterns = reading.groups;
  options.threshold = reading.threshold;
  const run::Comparison comparison = run::compare_runs(options);
  if (!out.empty()) write_file_atomically(out, run::chart_file(run::chart_of(comparison)));
  print_text(to_table(comparison));
  for (const std::string& note : comparison.notes) print("{}\n", as_one_line(note));
  if (!out.empty()) print("The curves ({}) are in {}.\n", comparison.column, out);
  return 0;
}

}  // namespace genkidama::cli
