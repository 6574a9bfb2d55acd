#pragma once

/// @file
/// Standard input and output of a sweep whose settings another program chooses.

#include <array>

namespace genkidama::cli {

/// Takes both for the lines of the two programs alone, until it is destroyed: the runs that are started read
/// nothing of them, and what is printed goes to standard error.
class AskChannel {
 public:
  /// Throws IoError.
  AskChannel();
  ~AskChannel();
  AskChannel(const AskChannel&) = delete;
  AskChannel& operator=(const AskChannel&) = delete;

  int input() const { return kept_[0]; }
  int output() const { return kept_[1]; }

 private:
  std::array<int, 2> kept_;
};

}  // namespace genkidama::cli
