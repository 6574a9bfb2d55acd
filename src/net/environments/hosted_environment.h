#pragma once

// A worker's environment that a host steps.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "genkidama/env/environment.h"
#include "net/environments/environment_slots.h"

namespace genkidama {

/// Writes requests into its slot and waits for their answers.
class HostedEnvironment final : public Environment {
 public:
  HostedEnvironment(std::shared_ptr<EnvironmentSlots> slots, std::size_t slot, EnvironmentSpec spec,
                    std::function<bool()> keep_waiting);

  const EnvironmentSpec& spec() const override { return spec_; }
  void prepare_reset(std::uint64_t seed) override;
  bool is_ready() const override;
  Observation reset(std::uint64_t seed) override;
  void prepare_step(Action action) override;
  using Environment::step;
  StepResult step(Action action) override;
  ActionMask action_mask() const override { return mask_; }

 private:
  /// A request that was made before it is waited for.
  struct Prepared {
    std::uint64_t ticket = 0;
    bool is_reset = false;
    std::uint64_t seed = 0;
    std::vector<float> action;
  };

  bool has_prepared_step() const;
  bool is_prepared(Action action) const;
  StepResult lost();

  const std::shared_ptr<EnvironmentSlots> slots_;
  const std::size_t slot_;
  const EnvironmentSpec spec_;
  const std::function<bool()> keep_waiting_;
  Prepared prepared_;         // without a ticket there is none
  bool has_episode_ = false;  // a host plays it
  std::vector<float> observation_, before_, metrics_;
  std::vector<std::uint8_t> mask_;
};

}  // namespace genkidama
