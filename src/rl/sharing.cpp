#include "genkidama/rl/sharing.h"

namespace genkidama {

const char* sharing_name(Sharing sharing) {
  switch (sharing) {
    case Sharing::kHogwild:
      return "hogwild";
    case Sharing::kMutex:
      return "mutex";
    case Sharing::kLocal:
      return "local";
    case Sharing::kServer:
      return "server";
    case Sharing::kOneBuffer:
      return "one-buffer";
  }
  return "";
}

}  // namespace genkidama
