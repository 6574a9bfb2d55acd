// Signals, standard descriptors and outputs as the system hands them to a program.
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "fixture.h"
#include "genkidama/core/clock.h"
#include "genkidama/run/stop_signal.h"
#include "support/catch.h"
#include "support/child_process.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

ProgramResult run_shell(const std::string& script) {
  return run_program({"/bin/bash", "-c", script});
}

const std::string kProgram = GENKIDAMA_TEST_PROGRAM;

/// A short run, made once.
const std::filesystem::path& small_run() {
  static const TemporaryDirectory directory;
  static const std::filesystem::path run = [] {
    auto path = directory / "run";
    const auto result = run_program(call("train", "--workers", "1", "--updates", "1", "--eval-episodes", "0",
                                         "--run-dir", path.string()));
    REQUIRE(result.exit_code == 0);
    return path;
  }();
  return run;
}

std::string evaluation(const std::string& options = "--episodes 2") {
  return kProgram + " evaluate --workers 1 --checkpoint " + (small_run() / "final.safetensors").string() +
         " " + options;
}

/// Whether this user may make process 1 of a namespace.
bool can_be_process_1() {
  return ChildProcess([] { return ::unshare(CLONE_NEWPID) == 0 ? 0 : 1; }).wait() == "exit 0";
}

}  // namespace

TEST_CASE("a cluster whose Children refuse their arguments refuses them too", "[forks]") {
  const TemporaryDirectory directory;
  // Only whoever makes the buffer knows what a minibatch needs.
  const auto result = run_program(call("cluster", "--children", "2", "--workers", "1", "--preset", "dqn",
                                       "--replay-capacity", "10", "--max-steps", "100", "--eval-episodes",
                                       "0", "--run-dir", (directory / "run").string()));
  CAPTURE(result.errors);
  CHECK(result.exit_code == 2);
  CHECK(result.errors.find("child_1 ended with exit code 2") != std::string::npos);
}

TEST_CASE("the first signal of a kind leaves a mark and the second one ends the process", "[forks]") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(signal);
    ChildProcess child([signal] {
      ::signal(signal, SIG_DFL);
      run::catch_stop_signals();
      ::raise(signal);
      if (run::stop_signal() != signal) return 1;
      // One of another kind is not the second.
      ::raise(signal == SIGTERM ? SIGINT : SIGTERM);
      const Deadline deadline = Deadline::after(Milliseconds(60'000));
      while (!deadline.passed()) ::raise(signal);  // those that come at once are the first one's wish
      return 2;
    });
    CHECK(child.wait() == "signal " + std::to_string(signal));
  }
}

TEST_CASE("the end of the starter counts as one SIGTERM, however often the kernel reports it", "[forks]") {
  ChildProcess child([] {
    run::catch_stop_signals();
    for (int i = 0; i < 3; ++i) ::raise(run::kStarterIsGone);
    return run::stop_signal() == SIGTERM ? 0 : 1;
  });
  CHECK(child.wait() == "exit 0");
}

TEST_CASE("under nohup a closed terminal changes nothing", "[forks]") {
  ChildProcess child([] {
    ::signal(SIGHUP, SIG_IGN);
    run::catch_stop_signals();
    for (int i = 0; i < 3; ++i) ::raise(SIGHUP);
    return run::stop_signal() == 0 ? 0 : 1;
  });
  CHECK(child.wait() == "exit 0");
}

TEST_CASE("a signal that comes again at once, as timeout sends it, is the same wish", "[forks]") {
  const auto twice = [] {
    ChildProcess child([] {
      run::catch_stop_signals();
      ::raise(SIGTERM);
      ::raise(SIGTERM);
      return run::stop_signal() == SIGTERM ? 0 : 1;
    });
    return child.wait();
  };
  // A machine may be so busy that the second one comes late.
  std::string ended;
  for (int i = 0; i < 5 && ended != "exit 0"; ++i) ended = twice();
  CHECK(ended == "exit 0");
}

TEST_CASE("process 1 of a container ends at its second signal too", "[forks]") {
  if (!can_be_process_1()) {
    WARN("needs a process namespace; left out");
    return;
  }
  ChildProcess starter([] {
    if (::unshare(CLONE_NEWPID) != 0) return 1;
    ChildProcess first([] {
      run::catch_stop_signals();
      ::raise(SIGTERM);
      if (::getpid() != 1 || run::stop_signal() != SIGTERM) return 3;
      const Deadline deadline = Deadline::after(Milliseconds(60'000));
      while (!deadline.passed()) ::raise(SIGTERM);  // those that come at once are the first one's wish
      return 2;
    });
    return first.wait() == "exit 143" ? 0 : 4;
  });
  CHECK(starter.wait() == "exit 0");
}

TEST_CASE("evaluate ends by a signal") {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    CAPTURE(signal);
    RunningProgram program({"/bin/bash", "-c", "exec " + evaluation("--episodes 10000000")});
    REQUIRE(program.wait_until([&] { return program.workers().size() == 1; }));
    program.signal(signal);
    CHECK(program.wait(60).exit_code == 128 + signal);
    CHECK(program.all_gone());
  }
}

TEST_CASE("a terminal that is closed ends a run as SIGTERM does, with its state") {
  const TemporaryDirectory directory;
  const auto run = directory / "run";
  RunningProgram program(
      call("train", "--workers", "1", "--checkpoint-every", "10", "--run-dir", run.string()));
  REQUIRE(wait_for_tenth_update(program, run));
  program.signal(SIGHUP);
  CHECK(program.wait().exit_code == 128 + SIGHUP);
  CHECK(json_of(run / "summary.json")["ended_by"] == "signal");
  CHECK(std::filesystem::exists(run / "final.safetensors"));
}

TEST_CASE("results that are lost on the way out are an error") {
  small_run();
  const std::string full = " > /dev/full";
  for (const std::string& words : {evaluation(), kProgram + " --help", kProgram + " --version",
                                   kProgram + " train --help", kProgram + " sweep --help"}) {
    CAPTURE(words);
    const auto result = run_shell(words + full);
    CHECK(result.exit_code == 1);
    CHECK(result.errors.find("error: ") != std::string::npos);
    CHECK(result.errors.find("No space left on device") != std::string::npos);
    CHECK(run_shell(words).exit_code == 0);
  }
}

TEST_CASE("standard error that cannot be written leaves the exit code as it is") {
  for (const char* redirection : {"2>/dev/full", "2>&-", "2>&- >&-", "2> >(:)"}) {
    CAPTURE(redirection);
    CHECK(run_shell(kProgram + " train --presett x " + redirection).exit_code == 2);
    CHECK(run_shell(kProgram + " evaluate --checkpoint /no/such/file " + redirection).exit_code == 2);
  }
}

TEST_CASE("a run whose outputs are all closed at the start keeps its files to itself") {
  const TemporaryDirectory directory;
  const std::string closed = " <&- >&- 2>&-";
  const std::string options =
      " --updates 6 --workers 1 --target 1e9 --evaluate-every 2 --target-episodes 2"
      " --eval-episodes 2 --run-dir ";
  REQUIRE(run_shell(kProgram + " train" + options + (directory / "train").string() + closed).exit_code == 0);
  REQUIRE(run_shell(kProgram + " cluster --children 1" + options + (directory / "cluster").string() + closed)
              .exit_code == 0);
  for (const char* run : {"train", "cluster"}) {
    for (const char* table : {"metrics.csv", "evaluations.csv"}) {
      CAPTURE(run, table);
      const auto rows = csv_of(directory / run / table);
      REQUIRE(rows.size() > 1);
      for (const auto& row : rows) CHECK(row.size() == rows[0].size());
    }
  }
}

TEST_CASE("what a program's own set-up throws is one line and an exit code") {
  const auto thrown = [](const std::string& what) {
    return run_shell("GENKIDAMA_TEST_SETUP=" + what + " " + kProgram + " train");
  };
  const auto argument = thrown("argument");
  CHECK(argument.exit_code == 2);
  CHECK(argument.errors == "error: no hidden layer can have -1 units\n");
  const auto runtime = thrown("runtime");
  CHECK(runtime.exit_code == 1);
  CHECK(runtime.errors == "error: the simulator is not installed\n");
  const auto other = thrown("number");
  CHECK(other.exit_code == 1);
  CHECK(other.errors.find("error: ") == 0);
}

TEST_CASE("without /proc, what starts other processes says so") {
  if (::geteuid() != 0 || run_shell("unshare -m true").exit_code != 0) {
    WARN("needs to be root with a mount namespace; left out");
    return;
  }
  const TemporaryDirectory directory;
  for (const std::string command : {"cluster --children 1", "sweep train"}) {
    CAPTURE(command);
    const std::string run = (directory / command.substr(0, 5)).string();
    const auto result = run_shell("unshare -m bash -c 'mount -t tmpfs none /proc && exec " + kProgram + " " +
                                  command + " --workers 1 --updates 2 --run-dir " + run + "'");
    CAPTURE(result.errors);
    CHECK(result.exit_code == 1);
    CHECK(result.errors.find("/proc") != std::string::npos);
  }
}

TEST_CASE("a run directory is made with what the umask allows") {
  const TemporaryDirectory directory;
  const std::string run = (directory / "run").string();
  REQUIRE(run_shell("umask 002; exec " + kProgram +
                    " train --workers 1 --updates 2 --eval-episodes 0 --run-dir " + run)
              .exit_code == 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(run)) {
    CAPTURE(entry.path().string());
    struct stat status {};
    REQUIRE(::stat(entry.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == (entry.is_directory() ? 0775 : 0664));
  }
}

TEST_CASE(
    "a host's long name makes a name that peers take, and a bad one is refused before anything is made") {
  const TemporaryDirectory directory;
  const std::string child =
      kProgram + " child --workers 1 --join-timeout 0.1 --connect 127.0.0.1:1 --run-dir ";
  const std::string refused = (directory / "refused").string();
  const auto result = run_shell(child + refused + " --name " + std::string(65, 'n'));
  CHECK(result.exit_code == 2);
  CHECK(result.errors.find("--name is 'nnn") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(refused));
  if (::geteuid() != 0 || run_shell("unshare -u true").exit_code != 0) return;
  const std::string run = (directory / "run").string();
  const auto named =
      run_shell("unshare -u bash -c 'hostname " + std::string(63, 'h') + " && exec " + child + run + "'");
  CAPTURE(named.errors);
  CHECK(named.exit_code == 1);
  const std::string name = json_of(directory / "run" / "config.json")["name"];
  CHECK(name.size() == 64);
  CHECK(name.rfind("child-hhh", 0) == 0);
}
