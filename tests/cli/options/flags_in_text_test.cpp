#include "cli/options/flags_in_text.h"

#include "cli/options/option_table.h"
#include "genkidama/env/cart_pole.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;

TEST_CASE("fields of the library's errors become flags, and what the user typed stays") {
  Program program;
  program.name = "test";
  program.environment = make_cart_pole;
  const auto rows = make_option_table(program);
  const auto shown = [&](const char* text) { return with_flags(text, rows); };
  CHECK(shown("replay_capacity is 10; expected at least minibatch_size, 64 steps") ==
        "--replay-capacity is 10; expected at least --minibatch-size, 64 steps");
  CHECK(shown("gamma is 2; expected gamma in [0, 1]") == "--gamma is 2; expected gamma in [0, 1]");
  CHECK(shown("the workers play (round_steps) and learn from n_step.") ==
        "the workers play (--round-steps) and learn from --n-step.");
  CHECK(shown("give tls.certificate and tls.key there") == "give --tls-certificate and --tls-key there");
  CHECK(shown("set segments.queue_bytes. It is 3") == "set segments.queue_bytes. It is 3");
  for (const char* const kept :
       {"'replay_capacity' is unknown", "/tmp/learning_rate/run_dir: no such file", "--learning-rate is 2",
        "my_field is 3", "learning_rates are two", "seeds are many", "", "batch_size_"}) {
    CHECK(shown(kept) == kept);
  }
}
