#pragma once

// The trainer's side of the environment protocol: one start of the program.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "env/process/foreign_memory.h"
#include "env/process/kept_process.h"
#include "genkidama/env/environment.h"
#include "genkidama/env/process_environment.h"

namespace genkidama {

/// The process has failed; the text says how, and begins with a verb: "did not answer within 10 s".
class ForeignFault : public std::runtime_error {
 public:
  enum class Kind {
    kGone,     ///< it died, hung, or answered what makes no sense: a new start may help
    kRefused,  ///< it says itself that it cannot go on
    kWrong     ///< what it says of itself cannot be; every start would say the same
  };
  ForeignFault(Kind what_kind, const std::string& text) : std::runtime_error(text), kind(what_kind) {}
  Kind kind;
};

/// The socket to the process, which keeps the borders of messages.
class ForeignSocket {
 public:
  /// Throws IoError.
  ForeignSocket();
  ~ForeignSocket() { close(); }
  ForeignSocket(const ForeignSocket&) = delete;
  ForeignSocket& operator=(const ForeignSocket&) = delete;

  int foreign_end() const { return foreign_; }
  void close_foreign_end();
  void close();
  /// Whether receive() has come to the end that the process closed.
  bool is_closed_by_program() const { return is_closed_by_program_; }

  /// Never waits. Throws ForeignFault, but not when the process has closed its end: it may have sent last
  /// words, and receive() tells.
  void send(const void* message, std::size_t bytes);
  /// A message of at most `size` bytes, and how many it has. Throws ForeignFault when there is none within
  /// `limit`, when the process has closed its end, and when the message is longer.
  /// `told` is what an error says of the limit.
  std::size_t receive(void* message, std::size_t size, Milliseconds limit, Milliseconds told);

 private:
  int own_ = -1;
  int foreign_ = -1;
  Milliseconds limit_{0};  ///< as the kernel was told
  bool is_closed_by_program_ = false;
};

/// A program that was started, has said what it serves, and takes turns.
class ForeignSession {
 public:
  /// Starts the program and agrees on versions and sizes with it. Throws ForeignFault, ArgumentError when
  /// there is no such program, and IoError.
  ForeignSession(const ProcessEnvironmentOptions& options, const std::string& name,
                 const EnvironmentContext& context, std::uint32_t environments = 1);
  ~ForeignSession();

  /// What the process serves, complete.
  const EnvironmentSpec& spec() const { return spec_; }
  const ForeignMemory& memory() const { return memory_; }

  /// Lets the process do what the commands in memory() say. Throws ForeignFault.
  void take_turn(Milliseconds limit);
  /// Ends the process, and returns how it ended, in words.
  std::string kill();

 private:
  EnvironmentSpec receive_spec(const ProcessEnvironmentOptions& options, std::uint32_t environments,
                               Deadline deadline);
  void agree_on_memory(std::uint32_t environments, Deadline deadline, Milliseconds whole);
  std::size_t receive(void* message, std::size_t size, Milliseconds limit, Milliseconds told);

  ForeignSocket socket_;
  ForeignMemory memory_;
  std::optional<KeptProcess> process_;
  EnvironmentSpec spec_;
  std::uint32_t turn_ = 0;
};

}  // namespace genkidama
