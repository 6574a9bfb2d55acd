#include "genkidama/rl/learning.h"

namespace genkidama {

const char* learning_name(Learning learning) {
  switch (learning) {
    case Learning::kWorkers:
      return "workers";
    case Learning::kCentral:
      return "central";
    case Learning::kGiven:
      return "given";
    case Learning::kElsewhere:
      return "elsewhere";
  }
  return "";
}

}  // namespace genkidama
