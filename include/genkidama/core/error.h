#pragma once

/// @file
/// The exceptions this library throws at setup. Each text says what was given, what was expected and what to
/// do. What crosses a process or the network is a value, never one of these through an event loop.

#include <stdexcept>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Base of every exception thrown by this library.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A caller passed something that cannot work: a flag, an option, a size. A program exits with code 2.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

/// The operating system refused: a file, a mapping, a socket, a process.
class IoError : public Error {
 public:
  using Error::Error;
};

/// Bytes or text are not what they claim to be: a checkpoint, a config file, a frame.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// Two sets of parameters do not describe the same network.
class LayoutError : public Error {
 public:
  using Error::Error;
};

/// A worker died, hung, or reported an error; the text names the worker.
class WorkerError : public Error {
 public:
  using Error::Error;
};

}  // namespace genkidama
