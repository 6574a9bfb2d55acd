#pragma once

// What a launcher of MPI programs tells a process before MPI is initialised.

#include <functional>
#include <string>

namespace genkidama::mpi {

struct Place {
  int rank = 0;
  int size = 1;
};

/// `variable` gives the value of a variable of the environment, or an empty text. Throws ArgumentError when a
/// value is no number, or the rank is not below the size.
Place place_of(const std::function<std::string(const char*)>& variable);

}  // namespace genkidama::mpi
