// The library's exceptions as those of genkidama/errors.py.

#include <exception>

#include "genkidama/core/error.h"
#include "python/module.h"

namespace genkidama::python {
namespace {

void raise(const char* name, const std::exception& error) {
  const py::object type = py::module_::import("genkidama.errors").attr(name);
  PyErr_SetString(type.ptr(), error.what());
}

void translate(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const ArgumentError& error) {
    raise("ArgumentError", error);
  } catch (const IoError& error) {
    raise("IoError", error);
  } catch (const FormatError& error) {
    raise("FormatError", error);
  } catch (const LayoutError& error) {
    raise("LayoutError", error);
  } catch (const WorkerError& error) {
    raise("WorkerError", error);
  } catch (const Error& error) {
    raise("Error", error);
  }
}

}  // namespace

void bind_errors() {
  py::register_exception_translator(translate);
}

}  // namespace genkidama::python
