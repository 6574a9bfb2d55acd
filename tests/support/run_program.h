#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/patience.h"

namespace genkidama::test {

/// How a program ended.
struct ProgramResult {
  int exit_code = -1;  ///< 128 + N when signal N ended it; -1 when it had to be killed at the deadline
  std::string output;
  std::string errors;
};

/// A program in a session of its own, with its output in memory. Everything in the session is killed by the
/// destructor.
class RunningProgram {
 public:
  explicit RunningProgram(std::vector<std::string> words) {
    make_pipe(output_);
    make_pipe(errors_);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::setsid();
      // Catch2 handles these in the test program.
      for (const int signal : {SIGINT, SIGTERM, SIGABRT, SIGSEGV}) ::signal(signal, SIG_DFL);
      ::dup2(output_.write_end, STDOUT_FILENO);
      ::dup2(errors_.write_end, STDERR_FILENO);
      ::execv(arguments[0], arguments.data());
      ::_exit(126);
    }
    ::close(output_.write_end);
    ::close(errors_.write_end);
  }
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;
  ~RunningProgram() {
    for (const pid_t pid : processes()) ::kill(pid, SIGKILL);
    if (!status_) ::waitpid(pid_, nullptr, 0);
    ::close(output_.read_end);
    ::close(errors_.read_end);
  }

  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }

  // Limits are in seconds, and scaled by GENKIDAMA_TEST_PATIENCE.

  /// Until `condition` holds or the program has ended or the time is over; whether it holds.
  bool wait_until(const std::function<bool()>& condition, int limit = 60) {
    const auto deadline = deadline_after(limit);
    while (!condition()) {
      if (ended() || std::chrono::steady_clock::now() > deadline) return condition();
      pump(20);
    }
    return true;
  }
  bool wait_for_error_text(const std::string& text, int limit = 60) {
    return wait_until([&] { return errors_.text.find(text) != std::string::npos; }, limit);
  }
  const std::string& errors() const { return errors_.text; }

  ProgramResult wait(int limit = 90) {
    const auto deadline = deadline_after(limit);
    while (!ended() && std::chrono::steady_clock::now() < deadline) pump(20);
    ProgramResult result;
    if (status_) {
      result.exit_code = WIFSIGNALED(*status_) ? 128 + WTERMSIG(*status_) : WEXITSTATUS(*status_);
    } else {
      ::kill(pid_, SIGKILL);
    }
    pump(0);
    result.output = output_.text;
    result.errors = errors_.text;
    return result;
  }

  /// Processes of its session that still live, zombies left out.
  std::vector<pid_t> processes() const {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (!std::isdigit(static_cast<unsigned char>(name[0]))) continue;
      std::ifstream file(entry.path() / "stat");
      std::stringstream text;
      text << file.rdbuf();
      // "pid (name) state ppid pgrp session ...": the name may hold anything.
      const std::string stat = text.str();
      const auto after_name = stat.rfind(')');
      if (after_name == std::string::npos) continue;
      std::istringstream fields(stat.substr(after_name + 1));
      char state = 0;
      pid_t parent = 0, group = 0, session = 0;
      fields >> state >> parent >> group >> session;
      if (session == pid_ && state != 'Z') found.push_back(std::stoi(name));
    }
    return found;
  }
  /// Whether all of them are gone, those included that die a moment after the first one.
  bool all_gone(int limit = 10) const {
    const auto deadline = deadline_after(limit);
    while (!processes().empty()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      ::poll(nullptr, 0, 20);
    }
    return true;
  }
  /// Processes of its session that it started itself.
  std::vector<pid_t> children() const { return children_of(pid_); }
  /// Workers of its own: the children of the one process that starts them.
  std::vector<pid_t> workers() const {
    std::vector<pid_t> found;
    for (const pid_t nursery : children()) {
      for (const pid_t worker : children_of(nursery)) found.push_back(worker);
    }
    return found;
  }

 private:
  static std::chrono::steady_clock::time_point deadline_after(int limit) {
    return std::chrono::steady_clock::now() + patient_seconds(limit);
  }

  static std::vector<pid_t> children_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
    std::vector<pid_t> found;
    for (pid_t child = 0; file >> child;) found.push_back(child);
    return found;
  }

  struct Stream {
    int read_end = -1;
    int write_end = -1;
    std::string text;
  };

  static void make_pipe(Stream& stream) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    stream.read_end = ends[0];
    stream.write_end = ends[1];
    ::fcntl(stream.read_end, F_SETFL, O_NONBLOCK);
  }

  bool ended() {
    int status = 0;
    if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
    return status_.has_value();
  }

  void pump(int wait_ms) {
    std::array<pollfd, 2> waiting{pollfd{output_.read_end, POLLIN, 0}, pollfd{errors_.read_end, POLLIN, 0}};
    ::poll(waiting.data(), waiting.size(), wait_ms);
    for (Stream* stream : {&output_, &errors_}) {
      std::array<char, 4096> bytes{};
      for (ssize_t count = 0; (count = ::read(stream->read_end, bytes.data(), bytes.size())) > 0;) {
        stream->text.append(bytes.data(), static_cast<std::size_t>(count));
      }
    }
  }

  pid_t pid_ = -1;
  Stream output_;
  Stream errors_;
  std::optional<int> status_;
};

inline ProgramResult run_program(std::vector<std::string> words, int limit = 90) {
  return RunningProgram(std::move(words)).wait(limit);
}

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace genkidama::test
