/* What a test calls of an exported header, with the same names for every policy. */
#include "policy.h"

#ifdef ROBOT_MEMORY_SIZE
static struct robot_state computing, acting;
#define COMPUTING &computing,
#define ACTING &acting,
#else
#define COMPUTING
#define ACTING
#endif
#ifdef ROBOT_MASK_SIZE
#define MASK , mask
#else
#define MASK
#endif

void forget(void);
int compute(const float *observation, float *outputs);
int act(const float *observation, const uint8_t *mask, float *action);
int sample(const float *observation, const uint8_t *mask, const float *random, float *action);
int self_test(void);

void forget(void) {
#ifdef ROBOT_MEMORY_SIZE
  robot_reset(&computing);
  robot_reset(&acting);
#endif
}

int compute(const float *observation, float *outputs) {
  return robot_outputs(COMPUTING observation, outputs);
}

int act(const float *observation, const uint8_t *mask, float *action) {
#ifdef ONE_CHOICE
  const int choice = robot_act(ACTING observation, mask);
  action[0] = (float)choice;
  return choice < 0 ? -1 : 0;
#else
  (void)mask;
  return robot_act(ACTING observation MASK, action);
#endif
}

#ifdef SAMPLED
int sample(const float *observation, const uint8_t *mask, const float *random, float *action) {
#ifdef ONE_CHOICE
  const int choice = robot_sample(ACTING observation, mask, random);
  action[0] = (float)choice;
  return choice < 0 ? -1 : 0;
#else
  (void)mask;
  return robot_sample(ACTING observation MASK, random, action);
#endif
}
#endif

int self_test(void) {
  return robot_self_test();
}
