/* The policy of CartPole-v1, a network 'mlp 16 tanh' that acts by 'categorical'.
 *
 * Written by genkidama 0.2.0. It takes C99 or C++, allocates nothing and needs nothing else.
 * It tests itself: cc -std=c99 -DCART_POLE_V1_SELF_TEST_MAIN -x c THIS_FILE -o self_test && ./self_test
 */
#ifndef CART_POLE_V1_H
#define CART_POLE_V1_H

/* clang-format off */
#include <stdint.h>

#define CART_POLE_V1_OBSERVATION_SIZE 4 /* floats of an observation */
#define CART_POLE_V1_OUTPUT_SIZE 2 /* outputs of the network */
#define CART_POLE_V1_ACTION_SIZE 1 /* numbers of an action: the choices, then what is continuous */
#define CART_POLE_V1_MASK_SIZE 2 /* alternatives of all choices */

static const float cart_pole_v1_pi1_weight[64] = {
  -0.15584488f, -1.0095809f, -2.102205f, -0.5687002f, -0.19764185f, -0.4193671f, -3.2594595f,
  -1.0620384f, 1.0614475f, 1.0423323f, 3.0336103f, 0.59383833f, -0.085335575f, 0.4285566f,
  3.302287f, 1.0799414f, -1.4026585f, -0.9743606f, -2.088106f, -0.670502f, -0.23562881f, 0.762282f,
  3.052752f, 1.5506266f, 0.56532735f, 1.288218f, 3.377918f, 1.1629412f, -0.11858973f, -0.5599024f,
  -2.5174062f, -0.86000985f, -0.014516532f, 0.4745049f, 2.8802042f, 0.29636082f, -0.037026413f,
  0.27527913f, 2.92053f, 1.3520049f, 0.687322f, 0.7642733f, 3.1920674f, 1.1194546f, -0.25572664f,
  -0.7910518f, -2.8663251f, -0.50867313f, -0.5527246f, 0.26602492f, -3.1183639f, -0.8394104f,
  1.1674252f, 0.97505206f, 2.8118582f, 0.6801669f, 0.08474895f, 0.34729323f, 1.7583803f,
  0.83858186f, 0.3819978f, -0.85035026f, -2.6331394f, -0.5160679f
};
static const float cart_pole_v1_pi1_bias[16] = {
  0.05255779f, 0.03155233f, 0.010588845f, 0.016191661f, -0.064451404f, 0.00063872343f, 0.004018224f,
  0.0061618215f, 0.013071528f, 0.02170397f, -0.038556393f, -0.0023567425f, 0.018418588f,
  0.0085100625f, 0.012515966f, 0.0126495715f
};
static const float cart_pole_v1_pi2_weight[32] = {
  1.2310706f, 1.169942f, -1.4549713f, -1.014068f, 1.0392522f, -1.0830154f, -2.4904263f, 1.297724f,
  -1.6798365f, -0.69652206f, -1.4776068f, 2.182479f, 0.5167338f, -1.5093126f, -0.45640373f,
  1.4101776f, -1.2323946f, -1.1723565f, 1.4506714f, 1.0134206f, -1.0411129f, 1.0854349f, 2.4932752f,
  -1.3002568f, 1.676048f, 0.6938472f, 1.4704349f, -2.188675f, -0.51359487f, 1.5115746f, 0.45262545f,
  -1.4059696f
};
static const float cart_pole_v1_pi2_bias[2] = {
  -0.0012588621f, 0.001258907f
};

/* a * b + c, in one rounding where that is quick. */
#ifdef __FP_FAST_FMAF
#define CART_POLE_V1_FMA(a, b, c) __builtin_fmaf((a), (b), (c))
#else
#define CART_POLE_V1_FMA(a, b, c) ((a) * (b) + (c))
#endif

union cart_pole_v1_bits {
  float value;
  uint32_t bits;
};

static inline int cart_pole_v1_are_finite(const float *values, int count) {
  union cart_pole_v1_bits number;
  int i;
  for (i = 0; i < count; ++i) {
    number.value = values[i];
    if ((number.bits & 0x7f800000u) == 0x7f800000u) return 0;
  }
  return 1;
}

/* e^z + further. Beyond -87 and 87 e^z stays what it is there; NaN stays NaN. */
static inline float cart_pole_v1_exp_plus(float z, float further) {
  union cart_pole_v1_bits power;
  int32_t k;
  float f, e;
  if (!(z == z)) return z;
  if (z < -87.0f) z = -87.0f;
  if (z > 87.0f) z = 87.0f;
  k = (int32_t)CART_POLE_V1_FMA(z, 1.44269504f, 128.5f) - 128;
  f = CART_POLE_V1_FMA((float)k, 2.12194440e-4f, CART_POLE_V1_FMA((float)k, -0.693359375f, z));
  e = CART_POLE_V1_FMA(f, 1.0f / 720, 1.0f / 120);
  e = CART_POLE_V1_FMA(e, f, 1.0f / 24);
  e = CART_POLE_V1_FMA(e, f, 1.0f / 6);
  e = CART_POLE_V1_FMA(e, f, 0.5f);
  e = CART_POLE_V1_FMA(e, f, 1.0f);
  e = CART_POLE_V1_FMA(e, f, 1.0f);
  power.bits = (uint32_t)(k + 127) << 23;
  return CART_POLE_V1_FMA(e, power.value, further);
}

static inline float cart_pole_v1_tanh(float x) {
  if (x > 9.0f) x = 9.0f;
  if (x < -9.0f) x = -9.0f;
  return 1.0f - 2.0f / cart_pole_v1_exp_plus(x + x, 1.0f);
}

typedef float cart_pole_v1_weight;
#define CART_POLE_V1_WEIGHT(w) (w)
#define CART_POLE_V1_BIASED(sum, bias, o) ((sum) + (bias)[o])

/* A fully connected layer. Eight sums side by side, in the order of the library. */
static inline void cart_pole_v1_layer(const cart_pole_v1_weight *w, const float *bias, int in, int out, const float *input, float *output) {
  const int whole = in - in % 8, left = in % 8;
  int o, i;
  for (o = 0; o < out; ++o) {
    const float *x = input;
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    for (i = 0; i < whole; i += 8) {
      s0 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[0]), x[0], s0);
      s1 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[1]), x[1], s1);
      s2 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[2]), x[2], s2);
      s3 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[3]), x[3], s3);
      s4 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[4]), x[4], s4);
      s5 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[5]), x[5], s5);
      s6 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[6]), x[6], s6);
      s7 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[7]), x[7], s7);
      w += 8;
      x += 8;
    }
    if (left > 0) s0 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[0]), x[0], s0);
    if (left > 1) s1 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[1]), x[1], s1);
    if (left > 2) s2 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[2]), x[2], s2);
    if (left > 3) s3 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[3]), x[3], s3);
    if (left > 4) s4 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[4]), x[4], s4);
    if (left > 5) s5 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[5]), x[5], s5);
    if (left > 6) s6 = CART_POLE_V1_FMA(CART_POLE_V1_WEIGHT(w[6]), x[6], s6);
    w += left;
    output[o] = CART_POLE_V1_BIASED(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)), bias, o);
  }
}

static inline void cart_pole_v1_activate(float *values, int count) {
  int i;
  for (i = 0; i < count; ++i) values[i] = cart_pole_v1_tanh(values[i]);
}

static inline int cart_pole_v1_is_allowed(const uint8_t *mask, int i) {
  return mask == 0 || mask[i] != 0;
}

static inline int cart_pole_v1_best(const float *outputs, int count, const uint8_t *mask) {
  int best = -1, i;
  for (i = 0; i < count; ++i) {
    if (cart_pole_v1_is_allowed(mask, i) && (best < 0 || outputs[i] > outputs[best])) best = i;
  }
  return best;
}

static inline int cart_pole_v1_draw(const float *outputs, int count, const uint8_t *mask, float share) {
  const int best = cart_pole_v1_best(outputs, count, mask);
  float left = 0;
  int last = best, i;
  if (best < 0) return best;
  for (i = 0; i < count; ++i) {
    if (cart_pole_v1_is_allowed(mask, i)) left += cart_pole_v1_exp_plus(outputs[i] - outputs[best], 0);
  }
  left *= share;
  for (i = 0; i < count; ++i) {
    if (!cart_pole_v1_is_allowed(mask, i)) continue;
    last = i;
    left -= cart_pole_v1_exp_plus(outputs[i] - outputs[best], 0);
    if (left < 0) return i;
  }
  return last;
}

/* The outputs of the network for an observation. Returns 1; or 0, where the observation or an output is not
 * finite. */
static inline int cart_pole_v1_outputs(const float *observation, float *outputs) {
  float one[16];
  if (!cart_pole_v1_are_finite(observation, CART_POLE_V1_OBSERVATION_SIZE)) return 0;
  cart_pole_v1_layer(cart_pole_v1_pi1_weight, cart_pole_v1_pi1_bias, 4, 16, observation, one);
  cart_pole_v1_activate(one, 16);
  cart_pole_v1_layer(cart_pole_v1_pi2_weight, cart_pole_v1_pi2_bias, 16, 2, one, outputs);
  return cart_pole_v1_are_finite(outputs, CART_POLE_V1_OUTPUT_SIZE);
}

/* The best action.
 * `mask` has 1 for each alternative that is allowed and 0 for the others; 0 in its place allows all.
 * Returns the number of the choice; -1 where the observation is not finite, or the mask forbids everything. */
static inline int cart_pole_v1_act(const float *observation, const uint8_t *mask) {
  float outputs[CART_POLE_V1_OUTPUT_SIZE];
  if (!cart_pole_v1_outputs(observation, outputs)) return -1;
  return cart_pole_v1_best(outputs, 2, mask);
}

/* An action that is drawn from the policy. `random` has CART_POLE_V1_ACTION_SIZE numbers: for each choice one that is
 * uniform in [0, 1), for each component one that is standard normal.
 * `mask` has 1 for each alternative that is allowed and 0 for the others; 0 in its place allows all.
 * Returns the number of the choice; -1 where the observation is not finite, or the mask forbids everything. */
static inline int cart_pole_v1_sample(const float *observation, const uint8_t *mask, const float *random) {
  float outputs[CART_POLE_V1_OUTPUT_SIZE];
  if (!cart_pole_v1_outputs(observation, outputs)) return -1;
  return cart_pole_v1_draw(outputs, 2, mask, random[0]);
}

#if defined(CART_POLE_V1_SELF_TEST) || defined(CART_POLE_V1_SELF_TEST_MAIN)
/* What the library computes. An action of -1 is too close to call. */
static const float cart_pole_v1_test_observations[64] = {
  0.74977654f, -0.42669737f, -1.2480288f, 0.3186757f, 0.6175386f, -0.6919829f, 2.5985203f,
  0.3909635f, 0.4218205f, -0.4826825f, 0.39587525f, 0.2006562f, 1.5496732f, 2.1937413f, 0.12754703f,
  -0.3200576f, 0.61108375f, -3.3586369f, -0.44794586f, 1.4215349f, 0.50596225f, 1.5817804f,
  -0.47120866f, -2.8095217f, -1.4764295f, -0.13375053f, -0.8618249f, 0.4851495f, 0.2647431f,
  -0.45282096f, -1.2806002f, 0.34266573f, -1.7271955f, -0.47254556f, 0.96189827f, 0.52284694f,
  -0.361543f, 0.63719285f, 1.3322701f, 0.38055202f, -0.14556257f, -0.8135723f, 1.3926638f,
  1.3242918f, 0.5636432f, -0.10843821f, 0.24129176f, -1.9428277f, -0.2510804f, 1.426173f,
  -0.15150341f, 1.6509451f, -0.16938779f, -1.5623689f, 0.036667224f, 0.003755222f, -0.7444281f,
  -1.4326882f, -1.1210079f, -0.2636473f, 0.08603828f, -1.2322841f, -0.57850933f, -0.6743157f
};
static const uint8_t cart_pole_v1_test_masks[32] = {
  1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1
};
static const float cart_pole_v1_test_outputs[32] = {
  20.575207f, -20.567371f, -20.710587f, 20.702738f, -15.982875f, 15.976601f, -18.64442f, 18.64119f,
  18.589344f, -18.590088f, 18.552052f, -18.543766f, 20.218964f, -20.211851f, 20.650917f,
  -20.643154f, -17.772764f, 17.76251f, -20.697945f, 20.690113f, -20.685833f, 20.677977f,
  10.6165905f, -10.61232f, -18.930332f, 18.925762f, 15.373891f, -15.374512f, 20.698515f,
  -20.690704f, 20.574327f, -20.566746f
};
static const float cart_pole_v1_test_actions[16] = {
  0.0f, 0.0f, 1.0f, 1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 0.0f, 1.0f
};

static inline int cart_pole_v1_test_differs(float value, float expected) {
  const float size = expected < 0 ? -expected : expected;
  const float difference = value < expected ? expected - value : value - expected;
  return !(difference <= 1e-5f * (size > 1 ? size : 1));
}

/* 0; or the number of the first recorded step, from 1 on, in which something else is computed. */
static inline int cart_pole_v1_self_test(void) {
  float outputs[CART_POLE_V1_OUTPUT_SIZE], action[CART_POLE_V1_ACTION_SIZE];
  int n, i;
  for (n = 0; n < 16; ++n) {
    const float *observation = cart_pole_v1_test_observations + n * CART_POLE_V1_OBSERVATION_SIZE;
    if (!cart_pole_v1_outputs(observation, outputs)) return n + 1;
    for (i = 0; i < CART_POLE_V1_OUTPUT_SIZE; ++i) {
      if (cart_pole_v1_test_differs(outputs[i], cart_pole_v1_test_outputs[n * CART_POLE_V1_OUTPUT_SIZE + i])) return n + 1;
    }
    action[0] = (float)cart_pole_v1_act(observation, cart_pole_v1_test_masks + n * CART_POLE_V1_MASK_SIZE);
    for (i = 0; i < CART_POLE_V1_ACTION_SIZE; ++i) {
      const float expected = cart_pole_v1_test_actions[n * CART_POLE_V1_ACTION_SIZE + i];
      if (i < 1 && expected < 0) continue;
      if (cart_pole_v1_test_differs(action[i], expected)) return n + 1;
    }
  }
  return 0;
}
#endif

#ifdef CART_POLE_V1_SELF_TEST_MAIN
int main(void) {
  return cart_pole_v1_self_test();
}
#endif

#endif
