#include "genkidama/params/actor_mode.h"

namespace genkidama {

const char* actor_mode_name(ActorMode mode) {
  switch (mode) {
    case ActorMode::kWaiting:
      return "waiting";
    case ActorMode::kAsynchronous:
      return "asynchronous";
  }
  return "";
}

std::optional<ActorMode> actor_mode_of(std::string_view name) {
  for (const auto mode : {ActorMode::kWaiting, ActorMode::kAsynchronous}) {
    if (name == actor_mode_name(mode)) return mode;
  }
  return std::nullopt;
}

const char* full_queue_name(FullQueue kind) {
  switch (kind) {
    case FullQueue::kWait:
      return "wait";
    case FullQueue::kDropOldest:
      return "drop-oldest";
  }
  return "";
}

std::optional<FullQueue> full_queue_of(std::string_view name) {
  for (const auto kind : {FullQueue::kWait, FullQueue::kDropOldest}) {
    if (name == full_queue_name(kind)) return kind;
  }
  return std::nullopt;
}

}  // namespace genkidama
