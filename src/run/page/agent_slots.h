#pragma once

/// @file
/// What a run and the process that plays its agent share: a policy for the one, a picture for the other.

#include <semaphore.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "genkidama/ipc/shared_array.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/safetensors.h"

namespace genkidama::run {

/// Two slots, each with one writer and one reader. A slot is written only while it was read, and read only
/// while it was written, so nobody waits for anybody, and a process that is killed leaves nothing locked.
class AgentSlots {
 public:
  /// Before the fork.
  explicit AgentSlots(ParameterLayout layout);
  ~AgentSlots();
  AgentSlots(const AgentSlots&) = delete;
  AgentSlots& operator=(const AgentSlots&) = delete;

  // The policy.

  bool can_give() const { return control().given == control().taken; }
  /// Whether it had room.
  bool give(const Checkpoint& policy);
  /// The one that was given since the last call, if any.
  std::optional<Checkpoint> take();

  // The picture.

  bool can_draw() const { return control().drawn == control().seen; }
  /// Whether it had room.
  bool draw(std::string_view picture);
  /// The one that was drawn since the last call, if any.
  std::optional<std::string> see();

  // Who looks.

  void set_watched(bool watched);
  bool is_watched() const { return control().watched != 0; }
  /// Until something was given or somebody looks, or about as long.
  void wait(double seconds);

 private:
  struct Control {
    sem_t wake;
    std::atomic<std::uint32_t> watched{0};
    std::atomic<std::uint64_t> given{0}, taken{0}, drawn{0}, seen{0};
    std::uint64_t metadata_bytes = 0, picture_bytes = 0;
  };

  Control& control() const { return *static_cast<Control*>(memory_.data()); }

  ParameterLayout layout_;
  SharedMapping memory_;
  SharedArray<float> weights_;
  SharedArray<char> metadata_, picture_;
};

}  // namespace genkidama::run
