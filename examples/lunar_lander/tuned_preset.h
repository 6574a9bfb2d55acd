#pragma once

#include "genkidama/cli/program.h"

/// Settings that learn LunarLander with far fewer steps than the thesis' do.
inline genkidama::cli::Preset tuned_preset() {
  genkidama::cli::Preset preset;
  preset.description = "PPO's clipped loss on the same workers, with shared Adam and GAE";
  genkidama::Hyperparameters& h = preset.hyperparameters;
  h.loss = genkidama::Loss::kPpo;
  h.round_steps = 2048;
  h.epochs = 5;
  h.minibatch_size = 64;
  h.optimizer = "adam";
  h.learning_rate = 1e-3;
  h.denominator_epsilon = 1e-5;
  h.weight_decay = 0;
  h.gamma = 0.999;
  h.gae_lambda = 0.98;
  h.reward_scale = 0.05;
  h.value_weight = 0.5;
  h.entropy_weight = 0.01;
  h.epsilon = 0;
  h.max_gradient_norm = 0.5;
  return preset;
}
