#include "genkidama/nn/optimizer_text.h"

#include <fmt/format.h>

namespace genkidama {

std::string optimizer_text(const OptimizerOptions& options) {
  const std::string& name = options.optimizer;
  const bool is_adam = name == "adam" || name == "adamw";
  const bool is_other = !is_adam && name != "sgd" && name != "rmsprop";
  std::string text = name;
  const auto add = [&text](const char* what, double value) { text += fmt::format(" {} {}", what, value); };
  if (name == "sgd" || name == "rmsprop" || is_other) add("momentum", options.momentum);
  if (name == "rmsprop" || is_other) add("decay", options.rms_decay);
  if (is_adam || is_other) {
    add("beta1", options.adam_beta1);
    add("beta2", options.adam_beta2);
  }
  if (name != "sgd") add("epsilon", options.denominator_epsilon);
  add("weight-decay", options.weight_decay);
  return text;
}

}  // namespace genkidama
