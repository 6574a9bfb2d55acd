// Another program chooses the settings; here it is an observer of the sweep.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>

#include "genkidama/core/error.h"
#include "pretended_run.h"
#include "run/search/line_dialogue.h"
#include "run/sweep/ask_lines.h"
#include "support/catch.h"
#include "support/json_file.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;
using nlohmann::json;

namespace {

using Words = std::vector<std::string>;

/// Both directions between a sweep and the other side.
class Pipes {
 public:
  Pipes() {
    REQUIRE(::pipe2(to_sweep_.data(), O_CLOEXEC) == 0);
    REQUIRE(::pipe2(from_sweep_.data(), O_CLOEXEC) == 0);
  }
  ~Pipes() {
    for (const int end : {to_sweep_[0], from_sweep_[0], from_sweep_[1]}) ::close(end);
    close_answers();
  }
  void close_answers() {
    if (to_sweep_[1] >= 0) ::close(to_sweep_[1]);
    to_sweep_[1] = -1;
  }
  LineDialogue other_side() const { return {from_sweep_[0], to_sweep_[1]}; }
  SweepAsking asking() const {
    SweepAsking asking;
    asking.input = to_sweep_[0];
    asking.output = from_sweep_[1];
    return asking;
  }

 private:
  std::array<int, 2> to_sweep_{-1, -1};
  std::array<int, 2> from_sweep_{-1, -1};
};

/// Sends the next answer whenever it is asked or refused, with N for the question's number.
class OtherSide : public SweepObserver {
 public:
  OtherSide(Pipes& pipes, std::deque<std::string> answers)
      : pipes_(pipes), dialogue_(pipes.other_side()), answers_(std::move(answers)) {}

  void on_wait(const SweepProgress&) override { listen(); }
  void listen() {
    while (const auto line = dialogue_.receive()) {
      heard.push_back(json::parse(line->text));
      if (heard.back().contains("ask")) question_ = heard.back()["ask"].dump();
      if (heard.back().contains("ask") || heard.back().contains("refused")) answer();
    }
  }

  std::vector<json> heard;
  /// Those lines that have this key.
  std::vector<json> with(const std::string& key) const {
    std::vector<json> found;
    for (const json& line : heard) {
      if (line.contains(key)) found.push_back(line);
    }
    return found;
  }

 private:
  void answer() {
    if (answers_.empty()) return;
    std::string text = answers_.front();
    answers_.pop_front();
    if (text == "hang up") return pipes_.close_answers();
    if (const auto at = text.find('N'); at != std::string::npos) text.replace(at, 1, question_);
    dialogue_.send(text);
  }

  Pipes& pipes_;
  LineDialogue dialogue_;
  std::deque<std::string> answers_;
  std::string question_;
};

SweepOptions asking_options(const std::filesystem::path& directory, const Pipes& pipes) {
  SweepOptions options;
  options.directory = directory;
  options.definition.seeds = {1, 2, 3};
  options.asking = pipes.asking();
  options.train.function = [](const SweepRun& run) {
    if (run.setting() == "a=bad") return 1;
    pretend_trained(run, 60);
    return 0;
  };
  options.evaluate.function = [](const SweepRun& run) {
    pretend_evaluated(run, std::stod(run.point.front().value) + static_cast<double>(run.seed), 60);
    return 0;
  };
  options.evaluation = [](const SweepRun&) { return EvaluationRequest{2, 5, true}; };
  options.check = [](const SweepRun& run, bool) {
    if (!run.point.empty() && run.point.front().option != "a") throw ArgumentError("there is only 'a'");
  };
  return options;
}

std::string refusal_of(const std::string& line, std::size_t question = 4) {
  try {
    answer_in(line, question);
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("another program asks for settings and is told what they came to", "[forks]") {
  const TemporaryDirectory directory;
  Pipes pipes;
  const auto options = asking_options(directory / "sweep", pipes);
  OtherSide other(
      pipes, {R"({"answer": N, "setting": {"a": 10}})", "nonsense", R"({"answer": N, "setting": {"b": 1}})",
              R"({"answer": N, "setting": {"a": "bad"}})", R"({"answer": N, "setting": {"a": 10}})",
              R"({"answer": N, "setting": {"a": 20.5}})", R"({"end": true})"});
  SweepSummary summary = Sweep(options).run(&other);
  other.listen();
  CHECK(summary.failures.size() >= 1);  // the runs of a=bad
  CHECK(other.heard.front() == json{{"sweep", 1}, {"trials", 0}});
  CHECK(other.heard.back() == json{{"end", "end"}});
  const auto refused = other.with("refused");
  REQUIRE(refused.size() == 2);
  CHECK(refused[0]["why"].get<std::string>().find("'nonsense'; expected {\"answer\": 2") !=
        std::string::npos);
  CHECK(refused[1] == json{{"refused", 2}, {"why", "there is only 'a'"}});
  std::map<int, json> told;
  for (const json& line : other.with("tell")) told[line["tell"].get<int>()] = line;
  REQUIRE(told.size() == 4);
  CHECK(told[1]["value"] == 12.0);  // the median of 11, 12 and 13
  CHECK(told[1]["steps"] == 180);
  CHECK(told[1]["means"] == json{11.0, 12.0, 13.0});
  CHECK(told[2]["failed"].get<std::string>().find("exit code 1") != std::string::npos);
  CHECK(told[3] == json{{"tell", 3}, {"value", 12.0}, {"same_as", 1}});
  CHECK(told[4]["value"] == 22.5);

  SECTION("what is known is told to the next call, and what failed is tried again") {
    Pipes again;
    auto more = asking_options(options.directory, again);
    more.train.function = [](const SweepRun& run) {
      pretend_trained(run, 60);
      return 0;
    };
    more.evaluate.function = [](const SweepRun& run) {
      pretend_evaluated(run, -1, 60);
      return 0;
    };
    more.asking->trials = 3;
    OtherSide next(again, {});
    summary = Sweep(more).run(&next);
    next.listen();
    CHECK(summary.failures.empty());
    CHECK(summary.due == 9);
    CHECK(next.with("known").size() == 3);
    CHECK(next.with("known")[0] == json{{"known", 1}, {"setting", {{"a", "10"}}}, {"value", 12.0}});
    CHECK(next.with("known")[1]["value"].is_null());
    CHECK(next.with("tell")[0]["value"] == -1.0);
    CHECK(next.with("ask").empty());
    CHECK(next.heard.back() == json{{"end", "trials"}});
  }
}

TEST_CASE("a program that hangs up, says nothing or only nonsense ends the search", "[forks]") {
  const TemporaryDirectory directory;
  Pipes pipes;
  auto options = asking_options(directory / "sweep", pipes);
  options.definition.seeds = {1};
  SECTION("it hangs up") {
    OtherSide other(pipes, {R"({"answer": N, "setting": {"a": 1}})", "hang up"});
    const SweepSummary summary = Sweep(options).run(&other);
    CHECK(summary.failures.empty());
    CHECK(summary.done == 1);
    other.listen();
    CHECK(other.heard.back() == json{{"end", "closed"}});
  }
  SECTION("it says nothing") {
    options.asking->answer_timeout = Milliseconds(50);
    OtherSide other(pipes, {});
    const SweepSummary summary = Sweep(options).run(&other);
    REQUIRE(summary.failures.size() == 1);
    CHECK(summary.failures[0].find("question 1 was not answered within") == 0);
    other.listen();
    CHECK(other.heard.back() == json{{"end", "silence"}});
  }
  SECTION("it says only nonsense") {
    // At once, and more than are taken.
    OtherSide other(pipes, {});
    for (int i = 0; i < 150; ++i) pipes.other_side().send("x");
    const SweepSummary summary = Sweep(options).run(&other);
    REQUIRE(summary.failures.size() == 1);
    CHECK(summary.failures[0].find("100 answers in a row were refused") == 0);
    other.listen();
    CHECK(other.with("refused").size() == 100);
    CHECK(other.heard.back() == json{{"end", "fruitless"}});
  }
  SECTION("the budget is spent") {
    options.budget = 100;
    options.steps = [](const SweepRun&) { return std::optional<std::uint64_t>(60); };
    OtherSide other(pipes,
                    {R"({"answer": N, "setting": {"a": 1}})", R"({"answer": N, "setting": {"a": 2}})"});
    const SweepSummary summary = Sweep(options).run(&other);
    CHECK(summary.budget_spent);
    CHECK(summary.done == 1);
    other.listen();
    CHECK(other.heard.back() == json{{"end", "budget"}});
  }
}

TEST_CASE("a line of the other side is taken whole or refused with what was expected") {
  const AskAnswer answer = answer_in(
      R"({"answer": 4, "setting": {"learning_rate": 1e-4, "gamma": "0.90", "greedy": true, "batch-size": 64}})",
      4);
  CHECK_FALSE(answer.ends);
  CHECK(answer.number == 4);
  CHECK(setting_name(answer.point) == "batch-size=64,gamma=0.90,greedy=true,learning-rate=0.0001");
  CHECK(answer_in(R"({"end": true})", 0).ends);
  CHECK(answer_in(R"({"answer": 4, "setting": {}})", 4).point.empty());

  const Words bad = {"",
                     "{",
                     "[]",
                     "4",
                     "null",
                     R"({"end": false})",
                     R"({"end": 1})",
                     R"({"answer": 4})",
                     R"({"answer": 5, "setting": {}})",
                     R"({"answer": -4, "setting": {}})",
                     R"({"answer": 4.0, "setting": {}})",
                     R"({"answer": "4", "setting": {}})",
                     R"({"answer": 4, "setting": {}, "more": 1})",
                     "{\"answer\": 4, \"setting\": {}}\xff",
                     std::string(60'000, '['),
                     std::string("{\0}", 3)};
  for (const std::string& line : bad) {
    CAPTURE(line.substr(0, 100));
    const std::string text = refusal_of(line);
    CHECK(text.find(R"(expected {"answer": 4, "setting": {"OPTION": VALUE, ...}} or {"end": true})") !=
          std::string::npos);
    CHECK(text.size() < 500);
    CHECK(text.find('\n') == std::string::npos);
  }
  CHECK(refusal_of(R"({"answer": 4, "setting": [1]})").find("is no object of at most 100 options") !=
        std::string::npos);
  CHECK(refusal_of(R"({"answer": 4, "setting": {"a": null}})").find("the value of 'a' is null") == 0);
  CHECK(refusal_of(R"({"answer": 4, "setting": {"a": [1]}})").find("the value of 'a' is array") == 0);
  CHECK(refusal_of(R"({"answer": 4, "setting": {"a": ""}})").find("the value of 'a' is empty") == 0);
  CHECK(refusal_of(R"({"answer": 4, "setting": {"a": "x\n"}})").find("control characters") !=
        std::string::npos);
  CHECK(refusal_of(R"({"answer": 4, "setting": {}})", 0).find("since nothing is asked") != std::string::npos);
  std::string many = R"({"answer": 4, "setting": {)";
  for (int i = 0; i < 101; ++i) many += (i > 0 ? ", \"" : "\"") + std::to_string(i) + "\": 1";
  CHECK(refusal_of(many + "}}").find("at most 100 options") != std::string::npos);
}
