/* A controller's loop in C: an exported policy, and no library. The header is
 *
 *   cart_pole train --hidden 16 --max-steps 300000 --run-dir runs/small
 *   genkidama export --checkpoint runs/small/final.safetensors --to c --out cart_pole_policy.h
 *
 * The robot here is a cart with a pole on it; yours is whatever reads sensors and moves motors. */
#include <math.h> /* for the cart; the policy needs nothing */
#include <stdio.h>

#define CART_POLE_V1_SELF_TEST
#include "cart_pole_policy.h"

struct cart {
  double x, velocity, angle, turn;
};

static void read_sensors(const struct cart *cart, float *observation) {
  observation[0] = (float)cart->x;
  observation[1] = (float)cart->velocity;
  observation[2] = (float)cart->angle;
  observation[3] = (float)cart->turn;
}

/* The equations of CartPole-v1, for one step of 20 ms. */
static void move(struct cart *cart, int action) {
  const double gravity = 9.8, cart_mass = 1.0, pole_mass = 0.1, half_length = 0.5, step = 0.02;
  const double mass = cart_mass + pole_mass, force = action == 1 ? 10.0 : -10.0;
  const double sine = sin(cart->angle), cosine = cos(cart->angle);
  const double push = (force + pole_mass * half_length * cart->turn * cart->turn * sine) / mass;
  const double turning =
      (gravity * sine - cosine * push) / (half_length * (4.0 / 3.0 - pole_mass * cosine * cosine / mass));
  const double pushing = push - pole_mass * half_length * turning * cosine / mass;
  cart->x += step * cart->velocity;
  cart->velocity += step * pushing;
  cart->angle += step * cart->turn;
  cart->turn += step * turning;
}

int main(void) {
  struct cart cart = {0.0, 0.0, 0.03, 0.0};
  float observation[CART_POLE_V1_OBSERVATION_SIZE];
  int step, action;
  if (cart_pole_v1_self_test() != 0) {
    printf("the policy does not compute here what it computed where it was exported\n");
    return 1;
  }
  for (step = 0; step < 500 && fabs(cart.x) < 2.4 && fabs(cart.angle) < 0.2095; ++step) {
    read_sensors(&cart, observation);
    action = cart_pole_v1_act(observation, 0); /* 0: no mask, every action is allowed */
    if (action < 0) {
      printf("a sensor gave no number\n"); /* stop the motors */
      return 1;
    }
    move(&cart, action);
  }
  printf("balanced for %d steps\n", step);
  return step == 500 ? 0 : 1;
}
