/* The policy of CartPole-v1, a network 'mlp 16 tanh' that acts by 'categorical'.
 *
 * Written by genkidama 0.2.0. It takes C99 or C++, allocates nothing and needs nothing else.
 * It tests itself: cc -std=c99 -DCART_POLE_V1_SELF_TEST_MAIN -x c THIS_FILE -o self_test && ./self_test
 */
#ifndef CART_POLE_V1_H
#define CART_POLE_V1_H

#include <stdint.h>

#define CART_POLE_V1_OBSERVATION_SIZE 4 /* floats of an observation */
#define CART_POLE_V1_OUTPUT_SIZE 2      /* outputs of the network */
#define CART_POLE_V1_ACTION_SIZE 1      /* numbers of an action: the choices, then what is continuous */
#define CART_POLE_V1_MASK_SIZE 2        /* alternatives of all choices */

static const float cart_pole_v1_pi1_weight[64] = {
    -0.26225543f, -1.1234603f,  -2.035649f,   -0.6364541f, -0.2599679f,  -0.5709909f,   -3.375948f,
    -1.0746206f,  1.0997092f,   1.0919719f,   3.2281213f,  0.6398451f,   -0.036962558f, 0.56832623f,
    3.4291365f,   1.0735359f,   -1.1355189f,  -0.970497f,  -2.511636f,   -0.8699634f,   -0.24198765f,
    0.8527513f,   3.070636f,    1.4467056f,   0.50808334f, 1.4144726f,   3.8403807f,    1.3630717f,
    -0.18389395f, -0.73958397f, -2.8436527f,  -1.005962f,  0.034713577f, 0.6340251f,    3.3474188f,
    0.5219464f,   0.033944666f, 0.39246854f,  2.9624677f,  1.3049811f,   0.6181155f,    0.88879454f,
    3.3819985f,   1.1747354f,   -0.32025576f, -0.9427233f, -3.374859f,   -0.76219875f,  -0.676471f,
    0.044451065f, -3.251879f,   -0.89353156f, 1.0580338f,  1.0151637f,   3.205257f,     0.87151504f,
    0.09827575f,  0.51111215f,  2.1123435f,   1.001486f,   0.36635458f,  -1.0096029f,   -3.1257317f,
    -0.7545092f};
static const float cart_pole_v1_pi1_bias[16] = {-0.0030305602f, 0.022990063f,  0.023056041f,  -0.0355935f,
                                                -0.05445571f,   -0.052576944f, 0.004197056f,  0.0063262885f,
                                                0.0050956407f,  -0.07243581f,  -0.004382955f, -0.0014023778f,
                                                0.057109274f,   0.011932518f,  -0.023470402f, 0.019832056f};
static const float cart_pole_v1_pi2_weight[32] = {
    1.7489018f,  1.5462024f,   -1.7612417f, -1.355113f,  1.3892866f,  -1.2887474f, -3.3489947f, 1.9266926f,
    -2.7524884f, -0.77446556f, -2.3106153f, 3.4531643f,  0.6426326f,  -2.2970014f, -0.7682798f, 2.17381f,
    -1.750182f,  -1.5488179f,  1.7570068f,  1.3545846f,  -1.3911774f, 1.291318f,   3.352061f,   -1.929469f,
    2.748581f,   0.77194965f,  2.3036892f,  -3.4593213f, -0.6399297f, 2.2989988f,  0.76498646f, -2.1697245f};
static const float cart_pole_v1_pi2_bias[2] = {-0.025108315f, 0.0251083f};

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

static inline int cart_pole_v1_are_finite(const float* values, int count) {
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

/* A fully connected layer. Eight sums side by side, in the order of the library. */
static inline void cart_pole_v1_layer(const float* w, const float* bias, int in, int out, const float* input,
                                      float* output) {
  const int whole = in - in % 8, left = in % 8;
  int o, i;
  for (o = 0; o < out; ++o) {
    const float* x = input;
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    for (i = 0; i < whole; i += 8) {
      s0 = CART_POLE_V1_FMA(w[0], x[0], s0);
      s1 = CART_POLE_V1_FMA(w[1], x[1], s1);
      s2 = CART_POLE_V1_FMA(w[2], x[2], s2);
      s3 = CART_POLE_V1_FMA(w[3], x[3], s3);
      s4 = CART_POLE_V1_FMA(w[4], x[4], s4);
      s5 = CART_POLE_V1_FMA(w[5], x[5], s5);
      s6 = CART_POLE_V1_FMA(w[6], x[6], s6);
      s7 = CART_POLE_V1_FMA(w[7], x[7], s7);
      w += 8;
      x += 8;
    }
    if (left > 0) s0 = CART_POLE_V1_FMA(w[0], x[0], s0);
    if (left > 1) s1 = CART_POLE_V1_FMA(w[1], x[1], s1);
    if (left > 2) s2 = CART_POLE_V1_FMA(w[2], x[2], s2);
    if (left > 3) s3 = CART_POLE_V1_FMA(w[3], x[3], s3);
    if (left > 4) s4 = CART_POLE_V1_FMA(w[4], x[4], s4);
    if (left > 5) s5 = CART_POLE_V1_FMA(w[5], x[5], s5);
    if (left > 6) s6 = CART_POLE_V1_FMA(w[6], x[6], s6);
    w += left;
    output[o] = (((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))) + bias[o];
  }
}

static inline void cart_pole_v1_activate(float* values, int count) {
  int i;
  for (i = 0; i < count; ++i) values[i] = cart_pole_v1_tanh(values[i]);
}

static inline int cart_pole_v1_is_allowed(const uint8_t* mask, int i) {
  return mask == 0 || mask[i] != 0;
}

static inline int cart_pole_v1_best(const float* outputs, int count, const uint8_t* mask) {
  int best = -1, i;
  for (i = 0; i < count; ++i) {
    if (cart_pole_v1_is_allowed(mask, i) && (best < 0 || outputs[i] > outputs[best])) best = i;
  }
  return best;
}

static inline int cart_pole_v1_draw(const float* outputs, int count, const uint8_t* mask, float share) {
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
static inline int cart_pole_v1_outputs(const float* observation, float* outputs) {
  float one[16];
  if (!cart_pole_v1_are_finite(observation, CART_POLE_V1_OBSERVATION_SIZE)) return 0;
  cart_pole_v1_layer(cart_pole_v1_pi1_weight, cart_pole_v1_pi1_bias, 4, 16, observation, one);
  cart_pole_v1_activate(one, 16);
  cart_pole_v1_layer(cart_pole_v1_pi2_weight, cart_pole_v1_pi2_bias, 16, 2, one, outputs);
  return cart_pole_v1_are_finite(outputs, CART_POLE_V1_OUTPUT_SIZE);
}

/* The best action.
 * `mask` has 1 for each alternative that is allowed and 0 for the others; 0 in its place allows all.
 * Returns the number of the choice; -1 where the observation is not finite, or the mask forbids everything.
 */
static inline int cart_pole_v1_act(const float* observation, const uint8_t* mask) {
  float outputs[CART_POLE_V1_OUTPUT_SIZE];
  if (!cart_pole_v1_outputs(observation, outputs)) return -1;
  return cart_pole_v1_best(outputs, 2, mask);
}

/* An action that is drawn from the policy. `random` has CART_POLE_V1_ACTION_SIZE numbers: for each choice one
 * that is uniform in [0, 1), for each component one that is standard normal. `mask` has 1 for each
 * alternative that is allowed and 0 for the others; 0 in its place allows all. Returns the number of the
 * choice; -1 where the observation is not finite, or the mask forbids everything. */
static inline int cart_pole_v1_sample(const float* observation, const uint8_t* mask, const float* random) {
  float outputs[CART_POLE_V1_OUTPUT_SIZE];
  if (!cart_pole_v1_outputs(observation, outputs)) return -1;
  return cart_pole_v1_draw(outputs, 2, mask, random[0]);
}

#if defined(CART_POLE_V1_SELF_TEST) || defined(CART_POLE_V1_SELF_TEST_MAIN)
/* What the library computes. An action of -1 is too close to call. */
static const float cart_pole_v1_test_observations[64] = {
    0.74977654f, -0.42669737f, -1.2480288f, 0.3186757f,   0.6175386f,   -0.6919829f,  2.5985203f,
    0.3909635f,  0.4218205f,   -0.4826825f, 0.39587525f,  0.2006562f,   1.5496732f,   2.1937413f,
    0.12754703f, -0.3200576f,  0.61108375f, -3.3586369f,  -0.44794586f, 1.4215349f,   0.50596225f,
    1.5817804f,  -0.47120866f, -2.8095217f, -1.4764295f,  -0.13375053f, -0.8618249f,  0.4851495f,
    0.2647431f,  -0.45282096f, -1.2806002f, 0.34266573f,  -1.7271955f,  -0.47254556f, 0.96189827f,
    0.52284694f, -0.361543f,   0.63719285f, 1.3322701f,   0.38055202f,  -0.14556257f, -0.8135723f,
    1.3926638f,  1.3242918f,   0.5636432f,  -0.10843821f, 0.24129176f,  -1.9428277f,  -0.2510804f,
    1.426173f,   -0.15150341f, 1.6509451f,  -0.16938779f, -1.5623689f,  0.036667224f, 0.003755222f,
    -0.7444281f, -1.4326882f,  -1.1210079f, -0.2636473f,  0.08603828f,  -1.2322841f,  -0.57850933f,
    -0.6743157f};
static const uint8_t cart_pole_v1_test_masks[32] = {1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 0,
                                                    1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1};
static const float cart_pole_v1_test_outputs[32] = {
    29.433144f, -29.427317f, -29.562532f, 29.55669f,  -23.70858f,  23.703781f,  -28.142027f, 28.138144f,
    27.993063f, -27.991936f, 27.989128f,  -27.98363f, 29.08245f,   -29.076885f, 29.471073f,  -29.465254f,
    -27.66851f, 27.66227f,   -29.55528f,  29.549446f, -29.542717f, 29.536867f,  18.881449f,  -18.880005f,
    -28.28204f, 28.277916f,  24.31749f,   -24.31671f, 29.508228f,  -29.502396f, 29.432056f,  -29.426304f};
static const float cart_pole_v1_test_actions[16] = {0.0f, 0.0f, 1.0f, 1.0f, 0.0f, 0.0f, 0.0f, 0.0f,
                                                    1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 0.0f, 1.0f};

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
    const float* observation = cart_pole_v1_test_observations + n * CART_POLE_V1_OBSERVATION_SIZE;
    if (!cart_pole_v1_outputs(observation, outputs)) return n + 1;
    for (i = 0; i < CART_POLE_V1_OUTPUT_SIZE; ++i) {
      if (cart_pole_v1_test_differs(outputs[i], cart_pole_v1_test_outputs[n * CART_POLE_V1_OUTPUT_SIZE + i]))
        return n + 1;
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
