#pragma once

/// @file
/// How the workers of one machine share what they learn.

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What becomes of a worker's gradient.
enum class Sharing {
  /// Every worker steps the shared weights and the shared optimizer state at once, without a lock (Hogwild!:
  /// Recht et al. 2011; thesis, section 4.6).
  kHogwild,
  /// The same, one worker after the other: a step and a pull are whole.
  kMutex,
  /// Every worker steps a copy of the weights, with an optimizer state of its own, and adds the change to the
  /// shared weights after each Hyperparameters::merge_every steps (local SGD: Stich 2019).
  kLocal,
  /// Every worker hands its gradients to servers (Hyperparameters::servers), each a process or thread of its
  /// own, which alone writes its slice of the weights, and waits until each gradient was applied (the
  /// parameter servers of Nair et al. 2015, "Gorila", on one machine).
  kServer,
  /// As kHogwild, but the workers write their gradients into one buffer and step with what lies there then,
  /// which may be another worker's, or a mixture. The thesis' own program did so; it is here to be compared
  /// with.
  kOneBuffer
};

/// The name of a way of sharing: "hogwild", "mutex", "local", "server" or "one-buffer".
const char* sharing_name(Sharing sharing);

}  // namespace genkidama
