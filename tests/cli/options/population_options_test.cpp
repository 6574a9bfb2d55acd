// What the command line says of a population.
#include <string>
#include <vector>

#include "cli/options/interval_text.h"
#include "cli/options/population_check.h"
#include "options/parsed.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;
using namespace genkidama::test;
using Catch::Contains;

namespace {

const Words kPopulation = {"cluster", "--population", "--children", "4", "--max-steps", "1000"};

Words with_rate(Words words) {
  words.insert(words.end(), {"--explore", "learning-rate=1e-5..1e-2 log"});
  return words;
}

Words plus(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_CASE("--population is the exchange population, on both sides") {
  for (const Words& words :
       {with_rate(kPopulation), with_rate({"parent", "--listen", "x:1", "--insecure", "--population"}),
        Words{"child", "--connect", "x:1", "--population"},
        Words{"child", "--connect", "x:1", "--exchange", "population"}}) {
    CAPTURE(words);
    CHECK(parse(words).links.exchange == ExchangeKind::kPopulation);
  }
  const Settings settings =
      parse(plus(with_rate(kPopulation), {"--explore", "entropy_weight=0..0.05", "--ready-steps", "5000",
                                          "--exploit-share", "0.25", "--resample", "0.5", "--seed", "9"}));
  const PopulationOptions options = population_options(settings);
  CHECK(options.explored == std::vector<ExploredHyperparameter>{{"learning_rate", 1e-5, 1e-2, true},
                                                                {"entropy_weight", 0, 0.05, false}});
  CHECK(options.ready_steps == 5000);
  CHECK(options.share == 0.25);
  CHECK(options.resample == 0.5);
  CHECK(options.seed == 9);
  CHECK(is_explored(settings, "entropy-weight"));
  CHECK_FALSE(is_explored(settings, "gamma"));
}

TEST_CASE("a population without what it needs, or with what makes no sense, is refused") {
  CHECK_THAT(refusal(kPopulation), Contains("--population explores hyperparameters; expected --explore"));
  const auto refused = [](const Words& more) { return refusal(plus(with_rate(kPopulation), more)); };
  CHECK(refused({}).empty());
  CHECK_THAT(refusal(with_rate({"cluster", "--population", "--children", "1", "--max-steps", "1000"})),
             Contains("--children is 1 with --population; expected at least 2"));
  CHECK_THAT(refused({"--exchange", "rounds"}),
             Contains("--population and --exchange rounds are both given; leave one of the two out"));
  CHECK_THAT(refused({"--merge", "median"}), Contains("--merge median is given with --population"));
  CHECK_THAT(refused({"--codec", "int8"}), Contains("--codec int8 is given with --population"));
  CHECK_THAT(refused({"--policy-average", "ema"}), Contains("--policy-average is given with --population"));
  CHECK_THAT(refused({"--proximal", "0.1"}), Contains("--proximal is given with --population"));
  CHECK_THAT(refused({"--groups", "2"}), Contains("--groups is given with --population"));
  CHECK_THAT(refused({"--overlap"}), Contains("a Child of --exchange population waits for its Parent"));
  CHECK_THAT(refused({"--quorum", "2"}), Contains("--quorum is for --exchange rounds"));
  CHECK_THAT(refused({"--merge-threads", "2"}),
             Contains("--merge-threads is 2 and --exchange is 'population'"));
  CHECK_THAT(refused({"--average-moments", "true"}), Contains("--average-moments is for --exchange rounds"));
  CHECK_THAT(refused({"--topology", "ring"}), Contains("--population is for a Parent"));
  CHECK_THAT(
      refusal(with_rate({"parent", "--listen", "x:1", "--insecure", "--population", "--upper", "y:1"})),
      Contains("--upper is given with --population"));
  CHECK_THAT(refusal({"simulate", "--exchange", "population"}),
             Contains("--exchange is 'population'; expected"));
  CHECK_THAT(refusal({"train", "--exchange", "population"}), Contains("--exchange"));
  for (const Words& words : {Words{"--explore", "gamma=0.9..0.99"}, Words{"--ready-steps", "5"},
                             Words{"--exploit-share", "0.3"}, Words{"--resample", "0.5"}}) {
    CAPTURE(words);
    CHECK_THAT(refusal(plus({"cluster", "--exchange", "rounds", "--max-steps", "10"}, words)),
               Contains(words[0] + " is for --population; expected it together with that, or left out"));
  }
}

TEST_CASE("what cannot be explored, or not so, is refused with what can be") {
  const auto refused = [](const std::string& text) {
    return refusal(plus(kPopulation, {"--explore", text}));
  };
  for (const char* text : {"learning-rate", "learning-rate=1e-3", "learning-rate=1e-5..",
                           "learning-rate=1..2 int", "learning-rate=a..b", "learning-rate=1..2 lg"}) {
    CAPTURE(text);
    CHECK_THAT(refused(text), Contains("--explore is '" + std::string(text) +
                                       "'; expected NAME=LOW..HIGH or NAME=LOW..HIGH log"));
  }
  CHECK_THAT(refused("workers=1..4"),
             Contains("'workers' cannot change while a member trains; expected one of gamma, "
                      "gae-lambda"));
  CHECK_THAT(refused("gamma=0.9..0.5"),
             Contains("explored from 0.9 to 0.5; expected two numbers, the lower one first"));
  CHECK_THAT(refused("gamma=0.9..1.5"),
             Contains("explored from 0.9 to 1.5, and with 1.5: gamma is 1.5; expected"));
  CHECK_THAT(refused("entropy-weight=0..0.1 log"), Contains("expected a beginning above 0"));
  CHECK_THAT(refusal(plus(with_rate(kPopulation), {"--explore", "learning_rate=1e-4..1e-3"})),
             Contains("explored twice"));
  CHECK_THAT(refusal(plus(with_rate(kPopulation), {"--exploit-share", "0.6"})),
             Contains("--exploit-share is '0.6'; expected a number in (0, 0.5]"));
  CHECK_THAT(refusal(plus(with_rate(kPopulation), {"--ready-steps", "0"})), Contains("--ready-steps is '0'"));
}

TEST_CASE("an interval is two numbers with two dots between them, and words behind them") {
  const auto log = interval_of("1e-5 .. 1e-2 log");
  REQUIRE(log);
  CHECK(log->low == 1e-5);
  CHECK(log->high == 1e-2);
  CHECK(log->logarithmic);
  CHECK_FALSE(log->whole);
  const auto whole = interval_of("-1..4 int log");
  REQUIRE(whole);
  CHECK(whole->low == -1);
  CHECK(whole->whole);
  CHECK(whole->logarithmic);
  for (const char* text : {"", "1", "1..", "..2", "1..2x", "log", "1,2"}) CHECK_FALSE(interval_of(text));
}
