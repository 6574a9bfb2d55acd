#pragma once

/// @file
/// The exceptions that this library throws. Each text says what was given, what was expected and what to do.
/// What a peer or another process sends is handled as a value: no exception passes through an event loop.

#include <stdexcept>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Base of every exception thrown by this library.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller passed something that cannot work: a flag, an option, a size. The command line ends with exit
/// code 2.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

/// The operating system refused a file, a mapping, a socket or a process.
class IoError : public Error {
 public:
  using Error::Error;
};

/// Bytes or text do not have the form they should have: a checkpoint, a config file, a frame.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// Two sets of parameters belong to different networks.
class LayoutError : public Error {
 public:
  using Error::Error;
};

/// A worker died, hung or reported an error. The text names the worker.
class WorkerError : public Error {
 public:
  using Error::Error;
};

}  // namespace genkidama
