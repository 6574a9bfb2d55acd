/* A walk on a line, served by the header in strict C. An action is a direction (left, stay, right), of which the one
 * into a wall is forbidden, and a length in [0, 2]. The observation is the place and what is left of the way; the
 * episode ends at 5, with the way that was made as its metric, and is truncated after 20 steps. Any number of walks. */
#include "genkidama/env/environment_server.h"

#define MOST_WALKS 64

typedef struct walk {
  float place, made;
  uint32_t steps;
} walk;

static void observe(genkidama_server* server, uint32_t i, const walk* w) {
  genkidama_observation(server, i)[0] = w->place;
  genkidama_observation(server, i)[1] = 5.0f - w->place;
  genkidama_mask(server, i)[0] = w->place > 0.0f;
  genkidama_mask(server, i)[1] = 1;
  genkidama_mask(server, i)[2] = 1;
  server->rewards[i] = 0;
  server->ends[i] = 0;
}

static void step(genkidama_server* server, uint32_t i, walk* w) {
  const float* action = genkidama_action(server, i);
  const float before = w->place;
  w->place += (action[0] - 1.0f) * action[1];
  if (w->place < 0.0f) w->place = 0.0f;
  w->made += w->place > before ? w->place - before : before - w->place;
  ++w->steps;
  observe(server, i, w);
  server->rewards[i] = w->place - before;
  if (w->place >= 5.0f) server->ends[i] = GENKIDAMA_TERMINATED;
  if (w->steps >= 20) server->ends[i] |= GENKIDAMA_TRUNCATED;
  genkidama_metrics(server, i)[0] = w->made;
}

int main(void) {
  static const uint32_t shape[] = {2}, alternatives[] = {3};
  static const float low[] = {0}, high[] = {2};
  static const char* const metrics[] = {"way"};
  static const double threshold = 4.5;
  static walk walks[MOST_WALKS];
  genkidama_server server;
  genkidama_spec spec;
  int state = 0;
  memset(&spec, 0, sizeof spec);
  spec.name = "walk in C";
  spec.dimensions = 1;
  spec.shape = shape;
  spec.choices = 1;
  spec.alternatives = alternatives;
  spec.components = 1;
  spec.low = low;
  spec.high = high;
  spec.time_limit = 20;
  spec.reward_threshold = &threshold;
  spec.masks_actions = 1;
  spec.metrics = 1;
  spec.metric_names = metrics;
  if (genkidama_open(&server) != 0) {
    fprintf(stderr, "%s\n", genkidama_error(&server));
    return 2;
  }
  if (server.environments > MOST_WALKS) {
    genkidama_fail(&server, "too many walks");
    return 1;
  }
  if (genkidama_offer(&server, &spec) != 0) {
    fprintf(stderr, "%s\n", genkidama_error(&server));
    return 1;
  }
  while ((state = genkidama_wait(&server, 1000)) != 0) {
    if (state == -2) continue; /* a program with a loop of its own would go on with it here */
    if (state < 0) return 1;
    for (uint32_t i = 0; i < server.environments; ++i) {
      if (server.commands[i] == GENKIDAMA_RESET) {
        walks[i].place = (float)(server.seeds[i] % 2);
        walks[i].made = 0;
        walks[i].steps = 0;
        observe(&server, i, &walks[i]);
      } else if (server.commands[i] == GENKIDAMA_STEP) {
        step(&server, i, &walks[i]);
      }
    }
    if (genkidama_answer(&server) != 0) return 1;
  }
  genkidama_close(&server);
  return 0;
}
