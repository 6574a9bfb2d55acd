#pragma once

/// @file
/// The interface for machines that one launcher starts together and that train one network as equals.

#include <functional>
#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/params/exchange.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The machines of one job, such as the ranks of MPI. Each runs the same program with the same arguments, and
/// finds out here which one it is.
class MachineGroup {
 public:
  virtual ~MachineGroup() = default;

  /// Of this machine, from 0. Number 0 evaluates, and its directory holds the run.
  virtual int number() const = 0;
  /// How many machines there are, at least 1.
  virtual int size() const = 0;

  /// To be called before join(): what the machines' optimizers remember (LocalTrainer::moments_shape()) is
  /// averaged together with the weights. Returns whether this group can do that; by default it cannot.
  virtual bool average_moments() { return false; }

  /// Joins the others. Called once, after the trainer was made, because what it does may start threads. The
  /// exchange must not outlive the group. It asks `give_up` while it waits, in the thread that trains, and
  /// once that returns true it waits no longer: Exchange::over() then says so.
  virtual std::unique_ptr<Exchange> join(std::function<bool()> give_up) = 0;
};

/// Makes the group at the program's start. Throws ArgumentError when there is no launcher, or when the
/// launcher contradicts itself.
using MachineGroupFactory = std::function<std::unique_ptr<MachineGroup>()>;

}  // namespace genkidama
