#include "rl/policy_client.h"

namespace genkidama {
namespace {

class LocalPolicyClient final : public PolicyClient {
 public:
  LocalPolicyClient(LocalNetwork& network, Random& noise)
      : network_(network),
        noise_(noise),
        observation_size_(static_cast<std::size_t>(network.spec().observation_size())),
        output_count_(static_cast<std::size_t>(network.spec().policy)) {}

  std::size_t groups() const override { return 1; }

  std::span<float> observations(std::size_t, std::size_t rows) override {
    observations_.resize(rows * observation_size_);
    return observations_;
  }

  std::span<float> states(std::size_t, std::size_t rows) override {
    states_.resize(rows * network_.state_size());
    return states_;
  }

  void ask(std::size_t, std::size_t rows) override { rows_ = rows; }

  std::span<const float> outputs(std::size_t) override {
    network_.draw_noise(noise_);
    outputs_.resize(rows_ * output_count_);
    if (network_.state_size() == 0) {
      network_.policy().logits_of_batch(network_.weights(), observations_, rows_, outputs_);
    } else {
      network_.recurrent_policy().step(network_.weights(), observations_, rows_, states_, outputs_);
    }
    return outputs_;
  }

  std::span<const float> next_states(std::size_t) override { return states_; }
  void forget(std::size_t) override {}

 private:
  LocalNetwork& network_;
  Random& noise_;
  std::size_t observation_size_, output_count_;
  std::size_t rows_ = 0;
  std::vector<float> observations_;  ///< [rows, observation size]
  std::vector<float> states_;        ///< [rows, state size], before or after the observations
  std::vector<float> outputs_;       ///< [rows, policy]
};

}  // namespace

std::unique_ptr<PolicyClient> make_local_policy_client(LocalNetwork& network, Random& noise) {
  return std::make_unique<LocalPolicyClient>(network, noise);
}

}  // namespace genkidama
