#include "genkidama/rl/replay_scope.h"

namespace genkidama {

const char* replay_scope_name(ReplayScope scope) {
  switch (scope) {
    case ReplayScope::kLocal:
      return "local";
    case ReplayScope::kGlobal:
      return "global";
  }
  return "";
}

}  // namespace genkidama
