#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "cli/options/cluster_member.h"
#include "cli/options/command_line.h"
#include "cli/options/config_file.h"
#include "cli/options/resolved_program.h"
#include "cli/options/settings_check.h"
#include "fixture.h"
#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/run/preset.h"
#include "options/parsed.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;
using namespace genkidama::test;

namespace {

Hyperparameters resolved(const Words& words) {
  return resolved_hyperparameters(parse(words));
}

std::string help_of(const std::string& command) {
  std::ostringstream out;
  CHECK_FALSE(parse({command, "--help"}, out));
  return out.str();
}

class ConfigText {
 public:
  explicit ConfigText(const std::string& text) { std::ofstream(path()) << text; }
  std::string path() const { return (directory_ / "options.json").string(); }

 private:
  TemporaryDirectory directory_;
};

}  // namespace

TEST_CASE("a program whose default preset is thesis has its settings without flags") {
  const Settings settings = parse({"train"});
  CHECK(settings.preset == "thesis");
  CHECK(settings.learning.hyperparameters.gamma == 0.999);
  CHECK(settings.learning.hyperparameters.learning_rate == 1e-4);
  CHECK(settings.learning.workers >= 1);
  // Every preset that is always there has an end.
  CHECK(settings.run.max_steps == 8'000'000u);
}

TEST_CASE("without flags a program has the tuned preset") {
  Program program = test_program();
  program.default_preset = Program().default_preset;
  const char* const words[] = {"test", "train"};
  std::ostringstream out;
  const auto settings = parse_command_line(2, words, ResolvedProgram(program), out);
  REQUIRE(settings);
  CHECK(settings->preset == "tuned");
  CHECK(settings->learning.hyperparameters.learning_rate == 1e-3);
  CHECK(settings->run.max_steps == 3'000'000u);
  CHECK(settings->run.greedy);
}

TEST_CASE("a preset without a network gets the program's") {
  Program program = test_program();
  const auto parameters = [&program](const char* preset) {
    return ResolvedProgram(program)
        .presets.at(preset)
        .network(actor_critic_network(make_cart_pole()->spec()), 1)
        ->layout()
        .size();
  };
  CHECK(parameters("quick") == parameters("thesis"));
  CHECK(parameters("tuned") != parameters("thesis"));
  program.network = mlp_network({.hidden = {3}});
  CHECK(parameters("tuned") == 2 * (4 * 3 + 3) + (3 * 2 + 2) + (3 * 1 + 1));
  CHECK(parameters("tuned") == parameters("thesis"));
  CHECK(parameters("tuned") == parameters("quick"));
}

TEST_CASE("a flag wins over the config file, which wins over the preset") {
  const ConfigText config(R"({"preset": "quick", "gamma": 0.6, "epsilon": 0.25})");
  const Settings from_file = parse({"train", "--config", config.path()});
  CHECK(from_file.preset == "quick");
  CHECK(from_file.learning.hyperparameters.batch_size == 7);
  CHECK(from_file.learning.hyperparameters.gamma == 0.6);

  const Settings with_flag = parse({"train", "--config", config.path(), "--gamma", "0.7"});
  CHECK(with_flag.learning.hyperparameters.gamma == 0.7);
  CHECK(with_flag.learning.hyperparameters.epsilon == 0.25);

  const Settings other_preset = parse({"train", "--config", config.path(), "--preset", "thesis"});
  CHECK(other_preset.learning.hyperparameters.batch_size == 120);
  CHECK(other_preset.learning.hyperparameters.gamma == 0.6);
}

TEST_CASE("every kind of value is read from a flag") {
  const Settings settings =
      parse({"train", "--max-steps", "8e6", "--target", "-12.5", "--bootstrap-truncated", "false", "--greedy",
             "--optimizer", "adam", "--worker-mode=threads", "--seed", "18446744073709551615"});
  CHECK(settings.run.max_steps == 8'000'000u);
  CHECK(settings.run.target == -12.5);
  CHECK_FALSE(settings.learning.hyperparameters.bootstrap_truncated);
  CHECK(settings.run.greedy);
  CHECK(settings.learning.hyperparameters.optimizer == "adam");
  CHECK(settings.learning.worker_mode == WorkerMode::kThreads);
  CHECK(settings.learning.seed == 18446744073709551615u);

  const Settings parent =
      parse({"parent", "--connect", "a:1", "b:2", "--connect", "[::1]:3", "--listen", "127.0.0.1:0"});
  CHECK(parent.links.connect == Words{"a:1", "b:2", "[::1]:3"});
  CHECK(parent.links.listen == Words{"127.0.0.1:0"});
}

TEST_CASE("a value out of range is refused with the flag, the value and what is expected") {
  struct Case {
    Words words;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {{"train", "--gamma", "1.5"}, "--gamma is '1.5'; expected a number in [0, 1]"},
      {{"train", "--gamma", "nan"}, "--gamma is 'nan'; expected a number in [0, 1]"},
      {{"train", "--momentum", "1"}, "--momentum is '1'; expected a number in [0, 1)"},
      {{"train", "--learning-rate", "0"}, "--learning-rate is '0'; expected a number > 0"},
      {{"train", "--workers", "0"}, "--workers is '0'; expected a whole number in [1, 4096]"},
      {{"train", "--workers", "-1"}, "--workers is '-1'; expected a whole number in [1, 4096]"},
      {{"train", "--workers", "two"}, "--workers is 'two'; expected a whole number in [1, 4096]"},
      {{"train", "--max-steps", "1.5"}, "--max-steps is '1.5'; expected a whole number >= 1"},
      {{"train", "--max-steps", "0"}, "--max-steps is '0'; expected a whole number >= 1"},
      {{"train", "--batch-size", "99999999999"}, "--batch-size is '99999999999'"},
      {{"train", "--optimizer", "lbfgs"},
       "--optimizer is 'lbfgs'; expected one of sgd, rmsprop, adam, adamw"},
      {{"train", "--policy-average", "mean"}, "--policy-average is 'mean'; expected one of none, swa, ema"},
      {{"train", "--average-decay", "1"}, "--average-decay is '1'; expected a number in [0, 1)"},
      {{"train", "--average-from", "1"}, "--average-from is '1'; expected a number in [0, 1)"},
      {{"train", "--max-weight-norm", "-1"}, "--max-weight-norm is '-1'; expected a number >= 0"},
      {{"train", "--sharing", "free"}, "--sharing is 'free'; expected one of hogwild, mutex, local, server"},
      {{"train", "--merge-every", "-1"}, "--merge-every is '-1'; expected a whole number in [0, 10000000]"},
      {{"parent", "--apart-from", "1"}, "--apart-from is '1'; expected a number in (0, 1)"},
      {{"parent", "--apart-from", "0"}, "--apart-from is '0'; expected a number in (0, 1)"},
      {{"child", "--proximal", "-0.1"}, "--proximal is '-0.1'; expected a number >= 0"},
      {{"peer", "--proximal", "nan"}, "--proximal is 'nan'; expected a number >= 0"},
      {{"train", "--round-end", "never"}, "--round-end is 'never'; expected one of episode, step"},
      {{"train", "--round-end", "step", "--round-steps", "0"}, "--round-end step needs --round-steps N"},
      {{"train", "--steps-per-second", "-1"},
       "--steps-per-second is '-1'; expected a number in [0, 1000000000]"},
      {{"train", "--loss", "q"}, "--loss is 'q'; expected one of a3c, dqn, dyna_q, ppo, qr_dqn"},
      {{"train", "--preset", "fast"},
       "--preset is 'fast'; expected one of ape-x, appo, control, dqn, dyna-q, ga3c, gorila, impala, "
       "original, own, quick, r2d2, sac, sample-factory, seed, thesis, thorough, tuned"},
      {{"train", "--preset", "td3"}, "--preset is 'td3', an algorithm; expected one of ape-x"},
      {{"train", "--preset", "qr_dqn"}, "and --loss qr_dqn to learn by it"},
      {{"train", "--preset", "dqn", "--dueling", "true"}, "takes it behind an equals sign: --dueling=true"},
      {{"train", "--quantiles", "0"}, "--quantiles is '0'; expected a whole number in [1, 1000]"},
      {{"train", "--preset", "dyna-q", "--memory", "gru:8"},
       "--memory is 'gru:8', and dyna_q learns from single steps; expected --memory none, or as --loss a3c, "
       "dqn or ppo"},
      {{"train", "--preset", "dqn", "--noisy-layers", "--noisy-deviation", "-1"},
       "--noisy-deviation is '-1'; expected a number >= 0"},
      {{"train", "--preset", "dqn", "--noisy-layers=2"}, "--noisy-layers is '2'; expected true or false"},
      {{"train", "--preset", "dyna-q", "--learning", "central", "--modellers", "1"},
       "--modellers is 1 with --learning central, where workers only play; expected 0, or 'train' with "
       "--learning workers"},
      {{"train", "--preset", "dyna-q", "--learning", "central", "--planners", "2"},
       "--planners is 2 with --learning central"},
      {{"train", "--device", "gpu"},
       "--device is 'gpu'; expected 'cpu', 'cuda', or 'cuda:' and the number of a GPU"},
      {{"train", "--device", "cuda:"}, "--device is 'cuda:'; expected 'cpu', 'cuda', or"},
      {{"train", "--device", "cuda:1x"}, "--device is 'cuda:1x'; expected 'cpu', 'cuda', or"},
      {{"train", "--device", "cuda"},
       "--device is 'cuda', and the network is one that comes with the library"},
      {{"evaluate", "--checkpoint", "x", "--device", "cuda:1"},
       "--device is 'cuda:1', and the network is one that comes with the library"},
      {{"train", "--bootstrap-truncated", "maybe"},
       "--bootstrap-truncated is 'maybe'; expected true or false"},
      {{"parent", "--alpha", "1.1", "--listen", "x:1"}, "--alpha is '1.1'; expected a number in [0, 1]"},
      {{"parent", "--listen", "nowhere"}, "--listen is 'nowhere'; expected HOST:PORT"},
      {{"child", "--beta", "-0.1", "--connect", "x:1"}, "--beta is '-0.1'; expected a number in [0, 1]"},
      {{"parent", "--exchange", "ring", "--listen", "x:1"},
       "--exchange is 'ring'; expected one of each, rounds"},
      {{"cluster", "--quorum", "0", "--exchange", "rounds"},
       "--quorum is '0'; expected 'all', a whole number of Children >= 1, or a percentage"},
      {{"cluster", "--quorum", "0%", "--exchange", "rounds"}, "--quorum is '0%'"},
      {{"cluster", "--quorum", "101%", "--exchange", "rounds"}, "--quorum is '101%'"},
      {{"cluster", "--quorum", "nan%", "--exchange", "rounds"}, "--quorum is 'nan%'"},
      {{"cluster", "--quorum", "0.5", "--exchange", "rounds"}, "--quorum is '0.5'"},
      {{"cluster", "--quorum", "most", "--exchange", "rounds"}, "--quorum is 'most'"},
      {{"cluster", "--round-deadline", "-1", "--exchange", "rounds"},
       "--round-deadline is '-1'; expected a number in [0, 86400]"},
      {{"cluster", "--outer-optimizer", "lion", "--exchange", "rounds"},
       "--outer-optimizer is 'lion'; expected one of none, momentum, nesterov, adam"},
      {{"cluster", "--outer-learning-rate", "0", "--exchange", "rounds"},
       "--outer-learning-rate is '0'; expected a number > 0"},
      {{"cluster", "--outer-momentum", "1", "--exchange", "rounds"},
       "--outer-momentum is '1'; expected a number in [0, 1)"},
      {{"cluster", "--max-staleness", "-1", "--exchange", "rounds"}, "--max-staleness is '-1'"},
      {{"cluster", "--merge", "mean"},
       "--merge is 'mean'; expected one of average, by-steps, fedasync, median, trimmed-mean, krum, "
       "multi-krum, "
       "clipped-norm"},
      {{"parent", "--listen", "x:1", "--merge", "krum", "--attackers", "501"},
       "--attackers is '501'; expected a whole number in [0, 500]"},
      {{"parent", "--listen", "x:1", "--merge", "trimmed-mean", "--trim", "0.5"},
       "--trim is '0.5'; expected a number in (0, 0.5)"},
      {{"parent", "--listen", "x:1", "--merge", "trimmed-mean", "--trim", "0"},
       "--trim is '0'; expected a number in (0, 0.5)"},
      {{"parent", "--listen", "x:1", "--merge", "clipped-norm", "--clip-norm", "0"},
       "--clip-norm is '0'; expected a number > 0"},
      {{"parent", "--listen", "x:1", "--merge", "fedasync", "--staleness-weight", "constant"},
       "--staleness-weight is 'constant'; expected one of polynomial, hinge"},
      {{"parent", "--listen", "x:1", "--merge", "fedasync", "--staleness-exponent", "-1"},
       "--staleness-exponent is '-1'; expected a number in [0, 1000]"},
      {{"parent", "--listen", "x:1", "--merge", "fedasync", "--hinge-slope", "nan"},
       "--hinge-slope is 'nan'"},
      {{"parent", "--listen", "x:1", "--merge", "fedasync", "--hinge-from", "1.5"}, "--hinge-from is '1.5'"},
      {{"cluster", "--children", "4", "--exchange", "rounds", "--merge", "fedasync"},
       "--merge is 'fedasync' and --exchange is 'rounds', which weights by steps and staleness itself; "
       "expected "
       "--exchange each with it, or --merge left out"},
      {{"cluster", "--children", "4", "--exchange", "segments", "--merge", "median"},
       "--merge is 'median', and a learner merges nothing; expected --exchange each or rounds, or --merge "
       "left "
       "out"},
      {{"cluster", "--children", "4", "--merge", "krum"},
       "--merge is 'krum' with --attackers 1, which needs 5 Children, and there are 4; expected fewer "
       "attackers, "
       "more --children, or another rule"},
      {{"cluster", "--merge-threads", "0"}, "--merge-threads is '0'; expected a whole number in [1, 64]"},
      {{"parent", "--listen", "x:1", "--merge-threads", "65"},
       "--merge-threads is '65'; expected a whole number in [1, 64]"},
      {{"parent", "--listen", "x:1", "--merge-threads", "2.5"}, "--merge-threads is '2.5'"},
      {{"cluster", "--exchange", "rounds", "--merge-threads", "4"},
       "--merge-threads is 4 and --exchange is 'rounds', where Children are not merged one by one; expected "
       "--exchange each with it, or --merge-threads left out"},
      {{"cluster", "--exchange", "segments", "--merge-threads", "2"},
       "--merge-threads is 2 and --exchange is 'segments'"},
      {{"parent", "--listen", "127.0.0.1:1", "--exchange", "each", "--merge", "by-steps", "--merge-threads",
        "4"},
       "--merge-threads is 4 and --merge is 'by-steps', which needs all weights for itself; expected --merge "
       "average with it, or --merge-threads left out"},
      {{"child", "--connect", "x:1", "--merge-threads", "2"}, "unknown argument '--merge-threads'"},
      {{"simulate", "--machines", "8", "--merge", "median", "--attackers", "4"},
       "--merge is 'median' with --attackers 4, which needs 9 Children, and there are 8; expected fewer "
       "attackers, more --machines, or another rule"},
      {{"cluster", "--groups", "2", "--children", "5", "--merge", "median"},
       "--merge is 'median' with --attackers 1, which needs 3 Children, and with --groups one of the Parents "
       "has 2; expected fewer attackers, more --children, or another rule"},
      {{"simulate", "--machines", "16", "--groups", "4", "--merge", "krum"},
       "--merge is 'krum' with --attackers 1, which needs 5 Children, and with --groups one of the Parents "
       "has 4; expected fewer attackers, more --machines, or another rule"},
      {{"cluster", "--exchange", "rounds", "--groups", "2", "--children", "6", "--quorum", "3"},
       "--quorum is 3, and with --groups one of the Parents has 2 Children; expected at most so many"},
      {{"parent", "--listen", "127.0.0.1:7001", "--listen", "0.0.0.0:7000", "--insecure", "--upper",
        "localhost:7000"},
       "--upper is localhost:7000, where this Parent itself listens (--listen 0.0.0.0:7000); expected the "
       "address of the Parent above it"},
      {{"parent", "--listen", "rack.local:7000", "--insecure", "--upper", "wss://rack.local:7000"},
       "--upper is wss://rack.local:7000, where this Parent itself listens"},
      {{"parent", "--listen", "127.0.0.1:7001", "--average-from", "0.5"},
       "--average-from is for --policy-average swa; expected it together with that, or left out"},
      {{"train", "--policy-average", "swa", "--updates", "9", "--average-decay", "0.5"},
       "--average-decay is for --policy-average ema; expected it together with that, or left out"},
      {{"child", "--connect", "x:99999"}, "--connect is 'x:99999'; expected HOST:PORT"},
      {{"cluster", "--children", "0"}, "--children is '0'; expected a whole number in [1, 256]"},
      {{"evaluate", "--checkpoint", "x", "--episodes", "0"}, "--episodes is '0'; expected a whole number"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.words);
    CHECK(refusal(c.words).find(c.expected) != std::string::npos);
    CAPTURE(refusal(c.words));
  }
}

TEST_CASE("noise explores in the place of a preset's epsilon, unless the user says what epsilon is to be") {
  const auto epsilon_of = [](const Words& words) {
    const Hyperparameters hyperparameters = parse(words).learning.hyperparameters;
    return std::pair(hyperparameters.epsilon, hyperparameters.epsilon_steps);
  };
  const std::pair of_preset(0.005, std::uint64_t{30'000}), none(0.0, std::uint64_t{0});
  CHECK(epsilon_of({"train", "--preset", "dqn"}) == of_preset);
  CHECK(epsilon_of({"train", "--preset", "dqn", "--noisy-layers"}) == none);
  CHECK(epsilon_of({"train", "--preset", "dyna-q", "--noisy-layers"}) == none);
  CHECK(epsilon_of({"train", "--preset", "dqn", "--loss", "qr_dqn", "--noisy-layers"}) == none);
  CHECK(epsilon_of({"train", "--preset", "dqn", "--noisy-layers=false"}) == of_preset);
  CHECK(epsilon_of({"train", "--preset", "dqn", "--noisy-layers", "--epsilon", "0.1"}) ==
        std::pair(0.1, std::uint64_t{30'000}));
  CHECK(epsilon_of({"train", "--preset", "dqn", "--noisy-layers", "--epsilon-steps", "50"}) ==
        std::pair(0.005, std::uint64_t{50}));
  CHECK(epsilon_of({"train", "--preset", "dqn", "--noisy-layers", "--first-epsilon", "0.5"}) == of_preset);
  // It does nothing there.
  CHECK(epsilon_of({"train", "--preset", "quick", "--noisy-layers"}).first == 0.01);
  for (const char* const key : {"noisy_layers", "noisy-layers"}) {
    const ConfigText config(fmt::format(R"({{"preset": "dqn", "{}": true}})", key));
    CHECK(epsilon_of({"train", "--config", config.path()}) == none);
    CHECK(epsilon_of({"train", "--config", config.path(), "--epsilon", "0.1"}).first == 0.1);
  }
  const ConfigText with_epsilon(R"({"preset": "dqn", "noisy_layers": true, "epsilon_steps": 70})");
  CHECK(epsilon_of({"train", "--config", with_epsilon.path()}) == std::pair(0.005, std::uint64_t{70}));
  // What a run writes down reads back as it was.
  const Settings settings =
      parse({"train", "--preset", "dqn", "--noisy-layers", "--noisy-deviation", "0.25"});
  const ConfigText record(config_of(settings, resolved_program().table, "test", "CartPole").dump());
  const Settings again = parse({"train", "--config", record.path()});
  CHECK(again.learning.hyperparameters.noisy_layers);
  CHECK(again.learning.hyperparameters.noisy_deviation == 0.25);
  CHECK(epsilon_of({"train", "--config", record.path()}) == none);
}

TEST_CASE("arguments that make no sense are refused") {
  CHECK(refusal({}).find("no command was given") != std::string::npos);
  CHECK(refusal({"fly"}).find("unknown command 'fly'") != std::string::npos);
  CHECK(refusal({"train", "--gama", "0.9"}).find("unknown argument '--gama'") != std::string::npos);
  CHECK(refusal({"train", "extra"}).find("unknown argument 'extra'") != std::string::npos);
  CHECK(refusal({"train", "--gamma"}).find("--gamma") != std::string::npos);
  CHECK(refusal({"train", "--seed", "1", "--seed", "2"}) ==
        "--seed is given 2 times ('1', '2'); expected it once: take out all but one");
  // Each command takes only what concerns it.
  CHECK(refusal({"parent", "--listen", "127.0.0.1:1", "--beta", "0"})
            .find("expected it together with --upper") != std::string::npos);
  CHECK(refusal({"train", "--alpha", "0.5"}).find("unknown argument '--alpha'") != std::string::npos);
  CHECK(refusal({"train", "--overlap"}).find("unknown argument '--overlap'") != std::string::npos);
  CHECK(refusal({"parent"}).find("--listen HOST:PORT") != std::string::npos);
  CHECK(refusal({"child"}).find("one link") != std::string::npos);
  CHECK(refusal({"child", "--listen", "x:1", "--connect", "x:2"}).find("one link") != std::string::npos);
  CHECK(refusal({"evaluate"}).find("--checkpoint FILE is required") != std::string::npos);
  CHECK(refusal({"watch"}).find("--checkpoint FILE is required") != std::string::npos);
  CHECK(refusal({"train", "--resume", "a", "--run-dir", "b"}).find("--resume") != std::string::npos);
  CHECK(refusal({"train", "--preset", "quick", "--schedule", "linear"}).find("--max-steps") !=
        std::string::npos);
}

TEST_CASE("a wrong config file is refused with its name and the key") {
  struct Case {
    std::string text;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {R"({"gama": 0.9})", "unknown key 'gama'"},
      {R"({"gamma": 1.5})", "key 'gamma' is 1.5; expected a number in [0, 1]"},
      {R"({"gamma": "0.9"})", "key 'gamma' is \"0.9\"; expected a number in [0, 1]"},
      {R"({"batch_size": 1.5})", "key 'batch_size' is 1.5; expected a whole number"},
      {R"({"batch_size": null})", "key 'batch_size' is null; expected a whole number"},
      {R"({"greedy": 1})", "key 'greedy' is 1; expected true or false"},
      {R"({"preset": "fast"})",
       "key 'preset' is \"fast\"; expected one of ape-x, appo, control, dqn, dyna-q, ga3c, gorila, impala, "
       "original, own, quick, r2d2, sac, sample-factory, seed, thesis, thorough, tuned"},
      {R"({"alpha": 0.5})", "key 'alpha' is not an option of 'train'"},
      {R"({"run-dir": "x"})", "unknown key 'run-dir'"},
      {R"([1, 2])", "expected a JSON object"},
      {R"({"gamma": )", "it is not JSON from line 1, column 11 on; expected a JSON object such as"},
      {"{\n  \"gamma\": 0.9,\n  oops\n}", "it is not JSON from line 3, column 3 on; expected"},
      {"", "not JSON: it is empty"},
      {R"({"gamma": 1e999})", "a number in it is too large"},
  };
  for (const Case& c : cases) {
    const ConfigText config(c.text);
    const std::string text = refusal({"train", "--config", config.path()});
    CAPTURE(c.text, text);
    CHECK(text.find("--config " + config.path()) == 0);
    CHECK(text.find(c.expected) != std::string::npos);
  }
  CHECK(refusal({"train", "--config", "/does/not/exist.json"}).find("No such file") != std::string::npos);
  const TemporaryDirectory directory;
  CHECK(refusal({"train", "--config", directory.path().string()}).find("cannot read") != std::string::npos);
}

TEST_CASE("a config file that says something twice is refused") {
  for (const char* text : {R"({"gamma": 0.5, "gamma": 0.5})", R"({"max_steps": 5, "max-steps": 5})"}) {
    const ConfigText config(text);
    CAPTURE(text);
    CHECK(refusal({"train", "--config", config.path()}).find("--config " + config.path()) == 0);
  }
}

TEST_CASE("a key of a config file is spelt with - or with _") {
  const ConfigText config(R"({"max-steps": 5, "learning_rate": 0.25})");
  const Settings settings = parse({"train", "--config", config.path()});
  CHECK(settings.run.max_steps == 5u);
  CHECK(settings.learning.hyperparameters.learning_rate == 0.25);
}

TEST_CASE("a name that is almost right is answered with the right one") {
  const auto answers = [](const Words& words, const std::string& name) {
    CAPTURE(words, refusal(words));
    CHECK(refusal(words).find("did you mean '" + name + "'") != std::string::npos);
  };
  answers({"train", "--learning_rate", "0.1"}, "--learning-rate");
  answers({"train", "--gama=0.9"}, "--gamma");
  answers({"train", "--wrokers", "2"}, "--workers");
  answers({"trian"}, "train");
  for (const auto& [text, key] : std::vector<std::pair<std::string, std::string>>{
           {R"({"gama": 0.9})", "gamma"}, {R"({"lerning-rate": 0.9})", "learning_rate"}}) {
    const ConfigText config(text);
    answers({"train", "--config", config.path()}, key);
  }
  CHECK(refusal({"train", "--colour", "red"}).find("did you mean") == std::string::npos);
}

TEST_CASE("a config file cannot say where a run is, unless it is the record of another run") {
  for (const char* text : {R"({"run_dir": "x"})", R"({"resume": "x"})", R"({"command": "train"})"}) {
    const ConfigText config(text);
    CAPTURE(text, refusal({"train", "--config", config.path()}));
    CHECK(refusal({"train", "--config", config.path()}).find("unknown key") != std::string::npos);
  }
  const ConfigText record(R"({"program": "test", "version": "0.2.0", "command": "train", "run_dir": "x"})");
  CHECK(parse({"train", "--config", record.path()}).run_dir.empty());
}

TEST_CASE("the record of another program's or another command's run is refused") {
  const ConfigText program(R"({"program": "other", "version": "0.2.0", "command": "train", "gamma": 0.5})");
  CHECK(refusal({"train", "--config", program.path()}).find("'other'") != std::string::npos);
  const ConfigText command(R"({"program": "test", "version": "0.2.0", "command": "cluster", "gamma": 0.5})");
  CHECK(refusal({"train", "--config", command.path()}).find("'cluster'") != std::string::npos);
  // As the error says.
  const ConfigText neither(R"({"version": "0.2.0", "gamma": 0.5})");
  CHECK(parse({"train", "--config", neither.path()}).learning.hyperparameters.gamma == 0.5);
}

TEST_CASE("a path that is not UTF-8 survives config.json") {
  const TemporaryDirectory directory;
  const std::string token = (directory / "caf\xE9").string();
  std::ofstream(token) << std::string(64, 'a');
  const Settings parent = parse({"parent", "--listen", "127.0.0.1:0", "--token-file", token});
  const auto written = config_of(parent, resolved_program().table, "test", "caf\xE9");
  const ConfigText file(written.dump());
  CHECK(parse({"parent", "--config", file.path()}).links.token_file == token);
}

TEST_CASE("flags change the network of a preset, and only what they name") {
  CHECK(parse({"train"}).network == MlpOptions{.hidden = {128}, .orthogonal = false});
  CHECK(parse({"train", "--preset", "tuned"}).network == MlpOptions{});
  CHECK(parse({"train", "--hidden", "32,16,8", "--activation", "relu"}).network ==
        MlpOptions{.hidden = {32, 16, 8}, .orthogonal = false, .activation = Activation::kRelu});
  CHECK(parse({"train", "--preset", "tuned", "--trunk=shared", "--layer-norm", "--activation", "silu"})
            .network ==
        MlpOptions{.activation = Activation::kSilu, .shared_trunk = true, .layer_norm = true});
  CHECK(parse({"child", "--connect", "x:1", "--hidden", "5"}).network->hidden == std::vector<int>{5});
  CHECK(parse({"check", "--hidden", "none"}).network->hidden.empty());
  CHECK(parse({"train", "--hidden", "64x32"}).network->hidden == std::vector<int>{64, 32});

  const ConfigText config(
      R"({"preset": "tuned", "hidden": [7, 5], "activation": "relu", "trunk": "shared"})");
  CHECK(parse({"train", "--config", config.path(), "--activation", "silu"}).network ==
        MlpOptions{.hidden = {7, 5}, .activation = Activation::kSilu, .shared_trunk = true});
  CHECK(parse({"train", "--memory", "gru:48"}).network->memory == 48);
  CHECK(parse({"train", "--memory", "none"}).network->memory == 0);
  // A run's config.json gives its network again.
  const Settings settings =
      parse({"train", "--hidden", "none", "--activation", "silu", "--layer-norm", "--memory", "gru:7"});
  const ConfigText record(config_of(settings, resolved_program().table, "test", "x").dump());
  CHECK(parse({"train", "--config", record.path()}).network == settings.network);
  // So do the flags that a cluster gives its members.
  const Settings cluster =
      parse({"cluster", "--run-dir", "run", "--hidden", "9,8", "--layer-norm", "--trunk", "shared"});
  for (const Words& words : {parent_words(cluster, resolved_program().table, 3),
                             child_words(cluster, resolved_program().table, 1, 5)}) {
    CHECK(parse(words).network == cluster.network);
  }
}

TEST_CASE("a network that cannot be is refused with the flag or the key") {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"--hidden", "0"},
       "--hidden is '0'; expected 'none' or numbers such as 64,64, each a whole number in"},
      {{"--hidden", "64,"}, "--hidden is '64,'"},
      {{"--hidden", ",64"}, "--hidden is ',64'"},
      {{"--hidden", "64 64"}, "--hidden is '64 64'"},
      {{"--hidden", "64,-1"}, "--hidden is '64,-1'"},
      {{"--hidden", "64,1.5"}, "--hidden is '64,1.5'"},
      {{"--hidden", "1000001"}, "--hidden is '1000001'"},
      {{"--hidden="}, "--hidden"},
      {{"--activation", "gelu"}, "--activation is 'gelu'; expected one of tanh, relu, silu"},
      {{"--trunk", "both"}, "--trunk is 'both'; expected one of separate, shared"},
      {{"--layer-norm=2"}, "--layer-norm"},
      {{"--memory", "gru"},
       "--memory is 'gru'; expected 'none', or 'gru:' and a whole number in [1, 1000000]"},
      {{"--memory", "gru:0"}, "--memory is 'gru:0'"},
      {{"--memory", "gru:-4"}, "--memory is 'gru:-4'"},
      {{"--memory", "gru:6 4"}, "--memory is 'gru:6 4'"},
      {{"--memory", "gru:9999999"}, "--memory is 'gru:9999999'"},
      {{"--memory", "lstm:64"}, "--memory is 'lstm:64'"},
      {{"--sequence-length", "0"}, "--sequence-length is '0'"}};
  for (const auto& [words, expected] : cases) {
    Words all{"train"};
    all.insert(all.end(), words.begin(), words.end());
    CAPTURE(words, refusal(all));
    CHECK(refusal(all).find(expected) == 0);
  }
  for (const char* text : {R"({"hidden": [0]})", R"({"hidden": [1.5]})", R"({"hidden": 64})",
                           R"({"hidden": ["64"]})", R"({"activation": 3})", R"({"layer_norm": "yes"})"}) {
    const ConfigText config(text);
    CAPTURE(text, refusal({"train", "--config", config.path()}));
    CHECK(refusal({"train", "--config", config.path()}).find("--config " + config.path() + ": key '") == 0);
  }
}

TEST_CASE("a network of one's own takes no options, and a run's record of it can be read again") {
  for (const Words& words : {Words{"--hidden", "64"}, Words{"--activation", "tanh"},
                             Words{"--trunk", "shared"}, Words{"--layer-norm"}}) {
    Words all{"train", "--preset", "own"};
    all.insert(all.end(), words.begin(), words.end());
    CAPTURE(words, refusal(all));
    CHECK(refusal(all).find("the preset 'own' has a network of its own") == 0);
    CHECK(refusal(all).find("--hidden") != std::string::npos);
  }
  const Settings settings = parse({"train", "--preset", "own"});
  CHECK_FALSE(settings.network);
  const auto record = config_of(settings, resolved_program().table, "test", "x");
  CHECK(record.at("hidden").is_null());
  const ConfigText file(record.dump());
  CHECK_FALSE(parse({"train", "--config", file.path()}).network);
}

TEST_CASE("a linear schedule ends with the run, and a cluster shares its steps") {
  CHECK(resolved({"train", "--schedule", "linear", "--max-steps", "1000"}).schedule_steps == 1000);
  CHECK(resolved({"cluster", "--schedule", "linear", "--max-steps", "1001", "--children", "2"})
            .schedule_steps == 501);
  CHECK(resolved({"train", "--schedule", "linear", "--max-steps", "1000", "--schedule-steps", "10"})
            .schedule_steps == 10);
}

TEST_CASE("clip range and entropy have schedules of their own, which end with the run too") {
  for (const std::string name : {"clip-range", "entropy-weight"}) {
    const std::string flag = "--" + name + "-schedule";
    CHECK(resolved({"train", "--preset", "thesis", flag, "cosine", "--max-steps", "1000"}).schedule_steps ==
          1000);
    CHECK_THROWS_WITH(parse({"train", flag, "quadratic"}), Catch::Contains(flag) &&
                                                               Catch::Contains("'quadratic'") &&
                                                               Catch::Contains("constant, linear, cosine"));
    // Only the Parent knows when the run of its Children ends.
    const Hyperparameters child =
        resolved({"child", "--preset", "thesis", "--connect", "127.0.0.1:1", flag, "linear"});
    CHECK_FALSE(child.has_schedule());
  }
  const Settings settings =
      parse({"train", "--schedule", "cosine", "--clip-range-schedule", "linear", "--entropy-weight-schedule",
             "cosine", "--target-kl", "0.03", "--value-clip-range", "0.2"});
  const Hyperparameters& hyper = settings.learning.hyperparameters;
  CHECK(hyper.schedule == Schedule::kCosine);
  CHECK(hyper.clip_range_schedule == Schedule::kLinear);
  CHECK(hyper.entropy_weight_schedule == Schedule::kCosine);
  CHECK(hyper.target_kl == 0.03);
  CHECK(hyper.value_clip_range == 0.2);
  const auto config = config_of(settings, resolved_program().table, "test", "x");
  CHECK(config["schedule"] == "cosine");
  CHECK(config["clip_range_schedule"] == "linear");
  CHECK(config["entropy_weight_schedule"] == "cosine");
  CHECK(config["target_kl"] == 0.03);
  CHECK(config["value_clip_range"] == 0.2);
  for (const char* flag : {"--target-kl", "--value-clip-range"}) {
    for (const char* bad : {"-0.1", "nan", "inf", "x"}) {
      CHECK_THROWS_WITH(parse({"train", flag, bad}), Catch::Contains(flag) && Catch::Contains(bad));
    }
  }
}

TEST_CASE("a preset says where the agent is cut, until a flag does") {
  const Settings appo = parse({"train", "--preset", "appo"});
  CHECK(learning_of(appo) == Learning::kCentral);
  CHECK(appo.links.actor_mode == ActorMode::kAsynchronous);
  CHECK(appo.learning.inference.predictors == 0);
  CHECK(resolved_hyperparameters(appo).vtrace);
  CHECK(parse({"train", "--preset", "appo", "--actor-mode", "waiting"}).links.actor_mode ==
        ActorMode::kWaiting);
  const Settings alone = parse({"train", "--preset", "appo", "--learning", "workers"});
  CHECK(learning_of(alone) == Learning::kWorkers);
  CHECK(alone.links.actor_mode == ActorMode::kWaiting);

  const Settings factory = parse({"train", "--preset", "sample-factory"});
  CHECK(factory.learning.inference.predictors == 1);
  CHECK(factory.learning.inference.double_buffering);
  CHECK(factory.learning.hyperparameters.environments_per_worker > 1);
  const Settings single =
      parse({"train", "--preset", "sample-factory", "--double-buffering=false", "--predictors", "2",
             "--inference-batch", "32", "--inference-wait-us", "50"});
  CHECK(single.learning.inference.predictors == 2);
  CHECK_FALSE(single.learning.inference.double_buffering);
  CHECK(single.learning.inference.batch == 32);
  CHECK(single.learning.inference_wait_us == 50);

  CHECK_FALSE(parse({"train", "--preset", "sample-factory", "--predictors", "0"})
                  .learning.inference.double_buffering);
  CHECK_FALSE(parse({"train", "--preset", "sample-factory", "--envs-per-worker", "1"})
                  .learning.inference.double_buffering);

  // A learner's actors play for it, and so do those of a cluster.
  const Settings learner = parse({"learner", "--preset", "impala", "--listen", "127.0.0.1:0"});
  CHECK(learning_of(learner) == Learning::kGiven);
  CHECK(learner.links.actor_mode == ActorMode::kAsynchronous);
  const Settings cluster = parse({"cluster", "--preset", "appo", "--children", "2"});
  CHECK(cluster.links.exchange == ExchangeKind::kSegments);
  CHECK(cluster.links.actor_mode == ActorMode::kAsynchronous);
  const Settings averaged = parse({"cluster", "--preset", "appo", "--exchange", "rounds"});
  CHECK(averaged.links.actor_mode == ActorMode::kWaiting);
  CHECK(learning_of(parse({"actor", "--preset", "appo", "--connect", "127.0.0.1:1"})) ==
        Learning::kElsewhere);
  CHECK_FALSE(parse({"train", "--preset", "ape-x"}).learning.hyperparameters.vtrace);
  REQUIRE(parse({"train", "--preset", "r2d2"}).network);
  CHECK(parse({"train", "--preset", "r2d2"}).network->memory > 0);
}

TEST_CASE("the tuned preset says how long a run is, how it averages and how it acts, until a flag does") {
  const Settings train = parse({"train", "--preset", "tuned"});
  REQUIRE(train.run.max_steps);
  CHECK(resolved_hyperparameters(train).schedule_steps == *train.run.max_steps);
  CHECK(train.run.greedy);
  CHECK_FALSE(parse({"train", "--preset", "tuned", "--greedy=false"}).run.greedy);
  CHECK(resolved({"train", "--preset", "tuned", "--max-steps", "1000"}).schedule_steps == 1000);

  // Updates end the run instead; the schedule still needs steps.
  const Settings updates = parse({"train", "--preset", "tuned", "--updates", "3"});
  CHECK_FALSE(updates.run.max_steps);
  CHECK(resolved_hyperparameters(updates).schedule_steps == *train.run.max_steps);

  const Settings cluster = parse({"cluster", "--preset", "tuned", "--children", "3"});
  CHECK(cluster.run.max_steps == train.run.max_steps);
  CHECK(resolved_hyperparameters(cluster).schedule_steps == (*train.run.max_steps + 2) / 3);
  CHECK(cluster.links.beta > 0);
  CHECK(cluster.links.exchange == ExchangeKind::kRounds);
  CHECK(parse({"cluster", "--preset", "tuned", "--beta", "0"}).links.beta == 0);

  // A Child ends when its Parent does, so its learning rate cannot fall towards an end.
  const Settings child = parse({"child", "--preset", "tuned", "--connect", "127.0.0.1:1"});
  CHECK_FALSE(child.run.max_steps);
  CHECK(resolved_hyperparameters(child).schedule == LearningRateSchedule::kConstant);
  CHECK(resolved({"child", "--preset", "tuned", "--connect", "127.0.0.1:1", "--schedule-steps", "9"})
            .schedule == LearningRateSchedule::kLinear);

  // The length of the schedule is not kept: a run that is made longer gets a longer one.
  const auto config = config_of(train, resolved_program().table, "test", "CartPole-v1");
  CHECK(config["schedule_steps"] == 0);
  TemporaryDirectory directory;
  const auto file = directory / "config.json";
  std::ofstream(file) << config.dump();
  CHECK(resolved({"train", "--config", file.string(), "--max-steps", "3000000"}).schedule_steps == 3'000'000);
  // What does not learn needs no end of a schedule.
  resolved({"parent", "--preset", "tuned", "--listen", "127.0.0.1:0"}).check();
  resolved({"evaluate", "--preset", "tuned", "--checkpoint", "x"}).check();

  // A preset of the program's own need not say it.
  CHECK_FALSE(parse({"train", "--preset", "quick"}).run.max_steps);
  CHECK_FALSE(parse({"train"}).run.greedy);
}

TEST_CASE("the policy's average is none unless asked for, and swa must know when the run ends") {
  const Settings plain = parse({"train"});
  CHECK(plain.run.policy_average.kind == PolicyAverageKind::kNone);
  CHECK(plain.run.policy_average.decay == 0.9);
  CHECK(plain.run.policy_average.from == 0.5);
  CHECK(plain.run.max_weight_norm == 1e6);
  const Settings ema =
      parse({"parent", "--listen", "[::1]:1", "--policy-average", "ema", "--average-decay", "0.99"});
  CHECK(ema.run.policy_average.kind == PolicyAverageKind::kEma);
  CHECK(ema.run.policy_average.decay == 0.99);

  for (const char* end : {"--updates", "--max-steps"}) {
    const Settings swa = parse({"cluster", "--policy-average", "swa", end, "100", "--average-from", "0.25"});
    CHECK(swa.run.policy_average.kind == PolicyAverageKind::kSwa);
    CHECK(swa.run.policy_average.from == 0.25);
  }
  const std::string text =
      refusal({"train", "--preset", "quick", "--policy-average", "swa", "--target", "1"});
  CHECK(text.find("--policy-average is 'swa'") == 0);
  CHECK(text.find("expected --updates or --max-steps") != std::string::npos);
  CHECK(refusal({"train", "--policy-average", "swa", "--average-from", "0"}).empty());
}

TEST_CASE("options of one exchange are refused with the other") {
  for (const Words& words : {Words{"--quorum", "2"}, Words{"--quorum", "50%"}, Words{"--round-deadline", "3"},
                             Words{"--max-staleness", "3"}, Words{"--outer-optimizer", "nesterov"},
                             Words{"--outer-learning-rate", "0.5"}, Words{"--average-moments", "true"},
                             Words{"--apart-from", "0.5", "--max-steps", "9"}}) {
    Words cluster = {"cluster"};
    cluster.insert(cluster.end(), words.begin(), words.end());
    CAPTURE(words);
    CHECK(refusal(cluster).find(words[0] + " is for --exchange rounds") == 0);
    cluster.insert(cluster.end(), {"--exchange", "rounds"});
    CHECK(refusal(cluster).empty());
  }
  CHECK(refusal({"cluster", "--overlap", "--exchange", "rounds"}).find("--overlap is for --exchange each") ==
        0);
  CHECK(refusal({"child", "--connect", "x:1", "--overlap", "--exchange", "rounds"}).find("--overlap") == 0);
}

TEST_CASE("Children go apart after a share of the run's steps, and what cannot be apart is refused") {
  const Settings parent = parse({"parent", "--listen", "x:1", "--insecure", "--exchange", "rounds",
                                 "--apart-from", "0.75", "--max-steps", "1001"});
  CHECK(apart_from_steps(parent) == 751);
  CHECK(apart_from_steps(parse({"cluster", "--exchange", "rounds", "--max-steps", "1000"})) == 0);
  const auto refused = [](const Words& more) {
    Words words = {"cluster",    "--preset", "quick",        "--exchange", "rounds",
                   "--children", "3",        "--apart-from", "0.5"};
    words.insert(words.end(), more.begin(), more.end());
    return refusal(words);
  };
  CHECK(refused({"--max-steps", "1000"}).empty());
  CHECK(refused({"--updates", "10"}).find("--apart-from is a share of --max-steps; expected") == 0);
  CHECK(refused({"--max-steps", "9", "--merge", "median"}).find("--merge is given with --apart-from") == 0);
  CHECK(refused({"--max-steps", "9", "--average-moments", "true"})
            .find("--average-moments is given with --apart-from") == 0);
}

TEST_CASE("a cluster with the tuned preset makes rounds together, until a word says otherwise") {
  using Kind = ExchangeKind;
  const double rate = run::tuned_preset().hyperparameters.learning_rate;
  const auto expect = [&](Words words, Kind exchange, double learning_rate) {
    words.insert(words.end(), {"--preset", "tuned"});
    CAPTURE(words);
    const Settings settings = parse(words);
    const bool makes_rounds = learning_rate != rate;
    CHECK(settings.links.exchange == exchange);
    CHECK(settings.learning.hyperparameters.learning_rate == learning_rate);
    CHECK(settings.learning.hyperparameters.round_end ==
          (makes_rounds ? RoundEnd::kStep : RoundEnd::kEpisode));
    CHECK(settings.links.outer_optimizer.kind ==
          (makes_rounds ? OuterOptimizerKind::kNesterov : OuterOptimizerKind::kNone));
  };
  expect({"cluster"}, Kind::kRounds, 1.5 * rate);
  expect({"simulate"}, Kind::kRounds, 1.5 * rate);
  expect({"simulate", "--cut", "alone"}, Kind::kRounds, rate);
  expect({"cluster", "--exchange", "each"}, Kind::kEach, rate);
  // They say that each Child is merged by itself.
  expect({"cluster", "--alpha", "0.3"}, Kind::kEach, rate);
  expect({"cluster", "--beta", "0.3"}, Kind::kEach, rate);
  expect({"cluster", "--overlap"}, Kind::kEach, rate);
  expect({"cluster", "--alpha", "0.3", "--exchange", "rounds"}, Kind::kRounds, 1.5 * rate);
  // Those of a Parent or a Child may meet others that were started elsewhere.
  expect({"parent", "--listen", "127.0.0.1:1"}, Kind::kEach, rate);
  expect({"child", "--connect", "127.0.0.1:1"}, Kind::kEach, rate);
  expect({"child", "--connect", "127.0.0.1:1", "--exchange", "rounds"}, Kind::kRounds, 1.5 * rate);
  expect({"plan"}, Kind::kEach, rate);
  expect({"train"}, Kind::kEach, rate);
  // What is given wins.
  const Settings given = parse({"cluster", "--preset", "tuned", "--learning-rate", "0.25", "--round-end",
                                "episode", "--outer-optimizer", "adam"});
  CHECK(given.learning.hyperparameters.learning_rate == 0.25);
  CHECK(given.learning.hyperparameters.round_end == RoundEnd::kEpisode);
  CHECK(given.links.outer_optimizer.kind == OuterOptimizerKind::kAdam);
  CHECK(parse({"cluster", "--preset", "tuned", "--outer-optimizer", "none"}).links.outer_optimizer.kind ==
        OuterOptimizerKind::kNone);
  const ConfigText each(R"({"exchange": "each"})"), alpha(R"({"alpha": 0.5})");
  CHECK(parse({"cluster", "--preset", "tuned", "--config", each.path()}).links.exchange == Kind::kEach);
  CHECK(parse({"cluster", "--preset", "tuned", "--config", alpha.path()}).links.exchange == Kind::kEach);
  CHECK(parse({"cluster", "--preset", "tuned", "--config", each.path(), "--exchange", "rounds"})
            .learning.hyperparameters.learning_rate == 1.5 * rate);
  // The thesis' way.
  CHECK(parse({"cluster", "--preset", "thesis"}).links.exchange == Kind::kEach);
  // A program's own rule merges one Child at a time.
  Program own = test_program();
  own.merge_rule = [](std::span<float>, std::span<const float>, const MergeContext&) {};
  const ResolvedProgram with_rule(own);
  const char* words[] = {"test", "cluster", "--preset", "tuned"};
  std::ostringstream out;
  CHECK(parse_command_line(4, words, with_rule, out)->links.exchange == Kind::kEach);
}

TEST_CASE("--quorum is all Children, a number or a share of them") {
  const auto rounds = [](const char* text) {
    return parse({"cluster", "--exchange", "rounds", "--children", "3", "--quorum", text}).links.rounds;
  };
  CHECK(rounds("all").quorum_count == 0);
  CHECK(rounds("all").quorum_share == 1);
  CHECK(rounds("3").quorum_count == 3);
  CHECK(rounds("75%").quorum_count == 0);
  CHECK(rounds("75%").quorum_share == 0.75);
  CHECK(rounds("12.5%").quorum_share == 0.125);
  CHECK(rounds("100%").quorum_share == 1);
  CHECK(refusal({"cluster", "--exchange", "rounds", "--children", "3", "--quorum", "4"})
            .find("--quorum is 4, and there are 3 Children; expected at most so many") != std::string::npos);
}

TEST_CASE("a cluster that makes rounds together tells both sides, and its Parent how many Children come") {
  const auto& table = resolved_program().table;
  const Settings cluster = parse({"cluster",  "--exchange",
                                  "rounds",   "--children",
                                  "3",        "--quorum",
                                  "60%",      "--round-deadline",
                                  "2.5",      "--max-staleness",
                                  "7",        "--outer-optimizer",
                                  "adam",     "--outer-learning-rate",
                                  "0.25",     "--outer-beta1",
                                  "0.5",      "--outer-beta2",
                                  "0.75",     "--run-dir",
                                  "somewhere"});
  const Settings child = parse(child_words(cluster, table, 1, 4000));
  CHECK(child.links.exchange == ExchangeKind::kRounds);
  const LinkOptions parent = parse(parent_words(cluster, table, 9)).links;
  CHECK(parent.exchange == ExchangeKind::kRounds);
  CHECK(parent.rounds.quorum_share == 0.6);
  CHECK(parent.round_deadline_s == 2.5);
  CHECK(parent.rounds.max_staleness == 7);
  CHECK(parent.rounds.first_children == 3);
  CHECK(parent.outer_optimizer.kind == OuterOptimizerKind::kAdam);
  CHECK(parent.outer_optimizer.learning_rate == 0.25);
  CHECK(parent.outer_optimizer.beta1 == 0.5);
  CHECK(parent.outer_optimizer.beta2 == 0.75);
  CHECK(parse({"cluster"}).links.exchange == ExchangeKind::kEach);
}

TEST_CASE("the codec is a Child's to ask for, and a cluster tells it to all of them") {
  const auto& table = resolved_program().table;
  CHECK(parse({"child", "--connect", "x:1"}).links.codec == CodecKind::kFloat32);
  for (const CodecKind codec : kCodecKinds) {
    const Settings cluster = parse({"cluster", "--codec", codec_name(codec), "--run-dir", "somewhere"});
    CHECK(parse(child_words(cluster, table, 1, 4000)).links.codec == codec);
    CHECK_NOTHROW(parse(parent_words(cluster, table, 9)));
  }
  CHECK_THROWS_WITH(parse({"child", "--connect", "x:1", "--codec", "int4"}),
                    Catch::Contains("--codec") && Catch::Contains("int8-delta"));
  CHECK_THROWS_WITH(parse({"parent", "--listen", "127.0.0.1:1", "--codec", "f16"}),
                    Catch::Contains("--codec is for a Parent with one above it"));
  CHECK(
      parse({"parent", "--listen", "127.0.0.1:1", "--upper", "127.0.0.1:2", "--codec", "f16"}).links.codec ==
      CodecKind::kFloat16);
}

TEST_CASE("config.json gives the same settings again, for every command") {
  const std::vector<Words> calls = {
      {"train", "--preset", "quick", "--max-steps", "5000", "--target", "1.5", "--seed", "3", "--greedy"},
      {"train", "--policy-average", "swa", "--updates", "9", "--average-from", "0.1", "--max-weight-norm",
       "0"},
      {"parent", "--listen", "x:1", "--insecure", "--alpha", "0.25", "--updates", "9"},
      {"child", "--connect", "x:1", "--beta", "0.125", "--overlap", "--workers", "3", "--learning-rate",
       "0.1"},
      {"cluster", "--children", "3", "--optimizer", "rmsprop", "--bootstrap-truncated", "false"},
      {"cluster", "--exchange", "rounds", "--quorum", "2", "--outer-optimizer", "nesterov"},
      {"cluster", "--codec", "int8-delta"},
      {"cluster", "--exchange", "rounds", "--apart-from", "0.625", "--max-steps", "999", "--proximal", "0.5"},
      {"cluster", "--exchange", "rounds", "--average-moments", "true"},
      {"child", "--connect", "x:1", "--codec", "top-k"},
      {"cluster", "--population", "--explore", "gamma=0.9..0.99", "--explore", "learning-rate=1e-4..1e-2 log",
       "--ready-steps", "5", "--exploit-share", "0.5", "--resample", "0.25", "--max-steps", "99"},
      {"parent", "--listen", "x:1", "--insecure", "--exchange", "rounds", "--quorum", "75%",
       "--outer-learning-rate", "0.5", "--first-children", "4"},
      {"learner", "--listen", "x:1", "--insecure", "--actors", "4", "--actor-steps", "each",
       "--max-policy-lag", "2", "--quorum", "75%", "--learning-rate", "0.1", "--round-steps", "100"},
      {"actor", "--connect", "x:1", "--workers", "3", "--away-timeout", "9", "--gamma", "0.5",
       "--round-steps", "100"},
      {"train", "--learning", "central", "--round-steps", "100"},
      {"train", "--learning", "central", "--actor-mode", "asynchronous", "--queued-rounds", "3",
       "--when-full", "drop-oldest", "--max-policy-lag", "4", "--round-steps", "100"},
      {"learner", "--listen", "x:1", "--insecure", "--actor-mode", "asynchronous", "--queue-bytes", "1000000",
       "--round-steps", "100"},
  };
  const auto& table = resolved_program().table;
  for (const Words& words : calls) {
    CAPTURE(words);
    const Settings settings = parse(words);
    const auto written = config_of(settings, table, "test", "CartPole-v1");
    const ConfigText file(written.dump());
    const auto again =
        config_of(parse({words.front(), "--config", file.path()}), table, "test", "CartPole-v1");
    for (const auto& [key, value] : written.items()) {
      CAPTURE(key);
      if (key != "command_line") CHECK(again[key] == value);
    }
  }
}

TEST_CASE("a cluster's processes get its options, and its Parent alone the run's end and the evaluations") {
  const auto& table = resolved_program().table;
  const Settings cluster = parse({"cluster",
                                  "--gamma",
                                  "0.123456789012345",
                                  "--beta",
                                  "0.3",
                                  "--alpha",
                                  "0.25",
                                  "--preset",
                                  "quick",
                                  "--normalise-advantages",
                                  "false",
                                  "--greedy",
                                  "--overlap",
                                  "--max-steps",
                                  "1000",
                                  "--target",
                                  "5",
                                  "--evaluate-every",
                                  "7",
                                  "--policy-average",
                                  "ema",
                                  "--schedule",
                                  "linear",
                                  "--children",
                                  "2",
                                  "--run-dir",
                                  "somewhere"});

  const Settings child = parse(child_words(cluster, table, 1, 4000));
  CHECK(child.command == kChild);
  CHECK(child.learning.hyperparameters.gamma == 0.123456789012345);
  CHECK(child.learning.hyperparameters.batch_size == 7);
  CHECK_FALSE(child.learning.hyperparameters.normalise_advantages);
  CHECK(child.learning.hyperparameters.schedule_steps == 500);
  CHECK(child.learning.seed != cluster.learning.seed);
  CHECK(child.learning.seed != parse(child_words(cluster, table, 2, 4000)).learning.seed);
  CHECK(child.links.beta == 0.3);
  CHECK(child.links.overlap);
  CHECK(child.links.name == "child_1");
  CHECK(child.links.connect == Words{"127.0.0.1:4000"});
  CHECK(child.links.listen.empty());
  CHECK(child.run.greedy);
  CHECK_FALSE(child.run.max_steps);
  CHECK_FALSE(child.run.target);
  CHECK_FALSE(child.run.evaluate_every);
  CHECK(child.run.eval_episodes == 0);
  CHECK(child.run.policy_average.kind == PolicyAverageKind::kNone);
  CHECK(child.run_dir.empty());

  const Settings parent = parse(parent_words(cluster, table, 9));
  CHECK(parent.command == kParent);
  CHECK(parent.links.alpha == 0.25);
  CHECK(parent.links.name == "parent");
  CHECK(parent.links.listen == Words{"127.0.0.1:0"});
  CHECK(parent.run.max_steps == 1000u);
  CHECK(parent.run.target == 5);
  CHECK(parent.run.evaluate_every == 7u);
  CHECK(parent.run.policy_average.kind == PolicyAverageKind::kEma);
  CHECK(parent.run_dir == "somewhere");
  CHECK(parent.plumbing.cluster_member);
  CHECK(parent.plumbing.ready_fd == 9);
}

TEST_CASE("a program without an environment or with an unknown default preset is refused") {
  Program without = test_program();
  without.environment = nullptr;
  CHECK_THROWS_AS(ResolvedProgram(without), ArgumentError);
  Program unknown = test_program();
  unknown.default_preset = "fast";
  CHECK_THROWS_AS(ResolvedProgram(unknown), ArgumentError);
}

TEST_CASE("help of every command lists its options with their defaults") {
  const auto& table = resolved_program().table;
  const std::vector<std::pair<Command, std::string>> commands = {
      {kTrain, "train"},     {kParent, "parent"}, {kChild, "child"},       {kCluster, "cluster"},
      {kLearner, "learner"}, {kActor, "actor"},   {kEvaluate, "evaluate"}, {kCheck, "check"},
      {kSweep, "sweep"},     {kShard, "shard"},   {kWatch, "watch"}};
  for (const auto& [command, name] : commands) {
    const std::string help = help_of(name);
    CAPTURE(name, help);
    for (const OptionRow& row : table) {
      CAPTURE(row.name);
      const bool is_listed = help.find("\n  " + row.flag() + " ") != std::string::npos ||
                             help.find("\n  " + row.flag() + "\n") != std::string::npos;
      CHECK(is_listed == ((row.commands & command) != 0 && !row.hidden));
    }
    if (command == kSweep) continue;  // its runs' command lists the presets
    CHECK(help.find("thesis") != std::string::npos);
    CHECK(help.find("quick") != std::string::npos);
  }
  const std::string help = help_of("train");
  CHECK(help.find("[default: 0.999]") != std::string::npos);
  CHECK(help.find("[default: 0.0001]") != std::string::npos);
  CHECK(help.find("[default: sgd]") != std::string::npos);
  CHECK(help_of("evaluate").find("[default: 500]") != std::string::npos);
}
