#pragma once

/// @file
/// How a Parent tells the process that has started it on which port it listens.

#include <array>
#include <functional>
#include <optional>

#include "genkidama/core/clock.h"

namespace genkidama::run {

/// The Parent writes the port and a line break to the write end; MemberContext::tell_ports() does so.
class ReadyPipe {
 public:
  /// Throws IoError.
  ReadyPipe();
  ~ReadyPipe();
  ReadyPipe(const ReadyPipe&) = delete;
  ReadyPipe& operator=(const ReadyPipe&) = delete;

  int write_end() const { return ends_[1]; }
  /// Once the Parent holds it too, so that the Parent's end, however it comes, ends the reading.
  void close_write_end() { close_end(1); }

  /// The port; nothing when the Parent ended or `give_up` says true first. Throws IoError after `timeout`.
  std::optional<int> read_port(Milliseconds timeout, const std::function<bool()>& give_up);

 private:
  void close_end(std::size_t end);
  std::array<int, 2> ends_{-1, -1};
};

}  // namespace genkidama::run
