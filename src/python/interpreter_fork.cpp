#include "python/interpreter_fork.h"

#include <pybind11/pybind11.h>
#include <unistd.h>

namespace genkidama::python {
namespace {

namespace py = pybind11;

// The process that forks; 0: nobody does, or the copy is awake. Workers inherit it, also those that are
// forked later to replace a dead one.
pid_t forking_process = 0;

}  // namespace

InterpreterFork::InterpreterFork() {
  // Whatever is in the streams would be written by every worker.
  py::module_::import("genkidama._objects").attr("flush_streams")();
  PyOS_BeforeFork();
  forking_process = ::getpid();
}

InterpreterFork::~InterpreterFork() {
  forking_process = 0;
  PyOS_AfterFork_Parent();
}

void wake_forked_interpreter() {
  if (forking_process == 0 || forking_process == ::getpid()) return;
  forking_process = 0;
  PyOS_AfterFork_Child();
  py::module_::import("genkidama._objects").attr("begin_worker")();
}

}  // namespace genkidama::python
