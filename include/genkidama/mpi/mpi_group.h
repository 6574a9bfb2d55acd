#pragma once

/// @file
/// Machines of a cluster that has MPI: their weights are averaged by all-reduce after each round, with no
/// Parent. The component genkidama::mpi.

#include <chrono>
#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/params/machine_group.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace mpi {

/// How the ranks of a job wait for each other.
struct MpiOptions {
  /// How long a rank waits for the others after its own round, > 0. The others may be evaluating, or writing
  /// to a slow disk. When it has passed, Exchange::after_round() throws IoError.
  std::chrono::milliseconds timeout{600'000};
  /// Whether the moments of the ranks' optimizers, such as Adam's, are averaged with the weights, each rank's
  /// as much as its weights; the same on all ranks. MachineGroup::average_moments() sets it, too.
  bool average_moments = false;
};

/// The ranks of the job that this process belongs to (MPI_COMM_WORLD). Which one this process is is read from
/// the variables that launchers set (OMPI_COMM_WORLD_RANK and _SIZE, PMIX_RANK, PMI_RANK and PMI_SIZE,
/// SLURM_PROCID and SLURM_NTASKS), because MPI itself may start threads, and workers must be forked before.
/// join() initialises MPI and makes sure that MPI says the same; a process initialises MPI once, so it joins
/// once. A process that no launcher has started is a group of one.
///
/// After each round the weights of all ranks become their mean, in which each rank counts by the steps that
/// it played in the round (local SGD: Stich 2019). They begin with the weights of rank 0. Statistics that
/// observations are normalised with are merged, each rank's counted once. With average_moments the moments
/// become their mean in the same way: those of a rank that has taken no optimizer step do not count, and the
/// mean counts as many steps as the rank that has taken the most. They begin with the moments of rank 0, if
/// it has any. A rank that ends tells the others,
/// and they end after their round, too. A rank that dies is for the launcher to notice: mpirun then sends
/// SIGTERM to the others, which end with their state written if `give_up` of join() tells of that signal.
///
/// Throws ArgumentError when the variables contradict each other or hold no numbers, and for a timeout that
/// is not above 0.
std::unique_ptr<MachineGroup> mpi_group(const MpiOptions& options = {});

}  // namespace mpi
}  // namespace genkidama
