#pragma once

/// @file
/// What every environment around another environment has in common.

#include <cstdint>
#include <memory>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// An environment around another one. It passes everything on but prepare_step(), because a derived class may
/// play another action than it is given; a derived class overrides what shall differ.
/// Derive a wrapper from this class rather than from Environment, so that it also passes on what a later
/// version of this library adds to Environment.
class WrappedEnvironment : public Environment {
 public:
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t seed) override { return observe(inner_->reset(seed)); }
  StepResult step(Action action) override;
  ActionMask action_mask() const override { return inner_->action_mask(); }
  void draw(Canvas& canvas) const override { inner_->draw(canvas); }
  void prepare_reset(std::uint64_t seed) override { inner_->prepare_reset(seed); }
  bool is_ready() const override { return inner_->is_ready(); }

 protected:
  /// Throws ArgumentError, whose text begins with `what`, when there is no environment, and the ArgumentError
  /// of completed() when its spec is not sound.
  WrappedEnvironment(std::unique_ptr<Environment> inner, const std::string& what);

  /// Turns each observation of the inner environment into the wrapper's own. The observation has the size
  /// that the inner environment's spec says. The default passes it on.
  virtual Observation observed(Observation observation) { return observation; }

  /// The wrapped environment.
  Environment& inner() { return *inner_; }
  /// The inner environment's observation through observed(). Throws ArgumentError when it has another size
  /// than the spec says. For a derived class that calls inner() itself.
  Observation observe(Observation observation);
  /// Replaces the spec, which is the inner environment's until then. For constructors of derived classes.
  void set_spec(EnvironmentSpec spec) { spec_ = completed(std::move(spec)); }

 private:
  std::unique_ptr<Environment> inner_;
  EnvironmentSpec spec_;
  std::size_t inner_size_;  ///< floats in an observation of the inner environment
};

}  // namespace genkidama
