#pragma once

/// @file
/// How a member of a cluster tells the process that has started it on which port it listens, and hears from
/// it.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "genkidama/core/clock.h"

namespace genkidama::run {

/// A number and a line break that come from a descriptor; nothing when its other end is closed, or when
/// `give_up` says true first. `give_up` is asked some times a second.
std::optional<int> read_number(int descriptor, const std::function<bool()>& give_up);

/// Writes the first port and a line break to a member's end. Throws IoError when the process that has started
/// this one is gone.
void tell_port(int member_end, std::span<const std::uint16_t> ports);

/// The member writes its port and a line break to its end; MemberContext::tell_ports() does so.
class ReadyPipe {
 public:
  /// `member`: for messages. Throws IoError.
  explicit ReadyPipe(std::string member);
  ~ReadyPipe();
  ReadyPipe(const ReadyPipe&) = delete;
  ReadyPipe& operator=(const ReadyPipe&) = delete;

  int member_end() const { return ends_[1]; }
  /// Once the member holds it too, so that the member's end, however it comes, ends the reading.
  void close_member_end() { close_end(1); }

  /// The port; nothing when the member ended or `give_up` says true first. Throws IoError after `timeout`.
  std::optional<int> read_port(Milliseconds timeout, const std::function<bool()>& give_up);
  /// Writes to the member, which may have ended or listen to nothing.
  void tell(std::string_view text) const;

 private:
  void close_end(std::size_t end);
  const std::string member_;
  std::array<int, 2> ends_{-1, -1};
};

}  // namespace genkidama::run
