// A group of one rank, without a launcher: joins it, and catches what the library throws.
#include <chrono>
#include <iostream>

#include "genkidama/core/error.h"
#include "genkidama/mpi/mpi_group.h"

#ifndef GENKIDAMA_HAS_MPI
#error "the target must say that MPI is there"
#endif

int main() {
  const auto group = genkidama::mpi::mpi_group();
  if (group->number() != 0 || group->size() != 1) return 1;
  try {
    genkidama::mpi::mpi_group({.timeout = std::chrono::milliseconds{-1}});
    std::cout << "a timeout below 0 was accepted\n";
    return 1;
  } catch (const genkidama::ArgumentError&) {
    return group->join({}) ? 0 : 1;
  }
}
