#include "run/export/c_header.h"

#include "genkidama/core/version.h"
#include "run/export/c_parts.h"

namespace genkidama::run {
namespace {

void add_opening(const PortablePolicy& policy, CText& text) {
  text.line("/* The policy of {}, a network '{}' that acts by '{}'.", comment_text(policy.environment),
            comment_text(policy.network), comment_text(policy.behaviour));
  text.line(" *\n * Written by genkidama {}. It takes C99 or C++, allocates nothing and needs nothing else.",
            kVersion);
  text.add(
      " * It tests itself: cc -std=c99 -D$_SELF_TEST_MAIN -x c THIS_FILE -o self_test && ./self_test\n"
      " */\n#ifndef $_H\n#define $_H\n\n/* clang-format off */\n#include <stdint.h>\n\n");
}

void add_sizes(const PortablePolicy& policy, CText& text) {
  text.line("#define $_OBSERVATION_SIZE {} /* floats of an observation */", policy.observation_size());
  text.line("#define $_OUTPUT_SIZE {} /* outputs of the network */", policy.output_size());
  text.line("#define $_ACTION_SIZE {} /* numbers of an action: the choices, then what is continuous */",
            policy.actions.width());
  if (has_choices(policy))
    text.line("#define $_MASK_SIZE {} /* alternatives of all choices */", policy.actions.alternatives());
  if (policy.outputs_each > 1)
    text.line("#define $_OUTPUTS_EACH {} /* of an alternative */", policy.outputs_each);
  if (policy.has_memory()) text.line("#define $_MEMORY_SIZE {}", policy.shape.memory.units);
  text.add("\n");
}

}  // namespace

std::string c_header(const PortablePolicy& policy, const RecordedSteps& steps, const std::string& prefix) {
  CText text;
  add_opening(policy, text);
  add_sizes(policy, text);
  add_c_tables(policy, text);
  add_c_arithmetic(policy, text);
  add_c_forward(policy, text);
  add_c_actions(policy, text);
  add_c_self_test(policy, steps, text);
  text.add("\n#endif\n");
  return with_prefix(text.text(), prefix);
}

}  // namespace genkidama::run
