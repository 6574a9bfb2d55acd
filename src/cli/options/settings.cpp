#include "cli/options/settings.h"

namespace genkidama::cli {

const char* command_name(Command command) {
  switch (command) {
    case kTrain:
      return "train";
    case kParent:
      return "parent";
    case kChild:
      return "child";
    case kCluster:
      return "cluster";
    case kEvaluate:
      return "evaluate";
    case kWatch:
      return "watch";
    case kCheck:
      return "check";
    case kSweep:
      return "sweep";
    case kLearner:
      return "learner";
    case kActor:
      return "actor";
    case kSimulate:
      return "simulate";
    case kPlan:
      return "plan";
    case kShard:
      return "shard";
    case kServer:
      return "server";
    case kEnvironmentHost:
      return "environment-host";
    case kPeer:
      return "peer";
    case kCompare:
      return "compare";
    case kReport:
      return "report";
    case kExport:
      return "export";
  }
  return "";
}

}  // namespace genkidama::cli
