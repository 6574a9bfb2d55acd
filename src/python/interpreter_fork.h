#pragma once

// How the workers of a run get an interpreter of their own, which plays environments that are Python's.
//
// A forked process has a copy of the interpreter, whose lock the thread that has forked still holds. Python
// mends such a copy by PyOS_AfterFork_Child(), as os.fork() does. It must be called in each process that then
// runs Python, and before it does.

#include "orchestrator/fork_rule.h"

namespace genkidama::python {

/// While it lives, this thread forks. It holds the interpreter's lock all the time, so that no other thread
/// of Python's is in the middle of anything that the lock guards.
class InterpreterFork {
 public:
  InterpreterFork();
  ~InterpreterFork();
  InterpreterFork(const InterpreterFork&) = delete;
  InterpreterFork& operator=(const InterpreterFork&) = delete;

 private:
  NoLockIsHeld no_lock_is_held_;
};

/// To be called by a worker before it runs Python. It does nothing in the process that has the
/// InterpreterFork, nor when it is called again.
void wake_forked_interpreter();

}  // namespace genkidama::python
