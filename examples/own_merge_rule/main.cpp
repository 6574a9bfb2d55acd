// Your own merge rule, at a Child: it shares its policy with the others and keeps its value head to itself.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "genkidama/env/cart_pole.h"
#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/weighted_average.h"

namespace {

bool is_value_head(const genkidama::TensorInfo& tensor) {
  return tensor.name.starts_with("v");
}

// A Child with beta 1 hands over the Parent's weights as they are. What becomes of them is decided here.
class SharedPolicy : public genkidama::LocalTrainer {
 public:
  explicit SharedPolicy(genkidama::LocalTrainer& trainer) : trainer_(trainer), own_(layout().size()) {}

  const genkidama::ParameterLayout& layout() const override { return trainer_.layout(); }
  void read_weights(std::span<float> out) const override { trainer_.read_weights(out); }
  genkidama::RoundReport train_round() override {
    joined_ = true;
    return trainer_.train_round();
  }

  void write_weights(std::span<const float> parent) override {
    trainer_.read_weights(own_);
    std::vector<float> merged = own_;
    for (const genkidama::TensorInfo& tensor : layout().tensors()) {
      // The first weights of all, when the Child joins, are the Parent's for everybody.
      const double beta = !joined_ ? 1.0 : is_value_head(tensor) ? 0.0 : 0.5;
      genkidama::weighted_average(std::span(merged).subspan(tensor.offset, tensor.count),
                                  parent.subspan(tensor.offset, tensor.count), beta);
    }
    trainer_.write_weights(merged);
  }

  // The weights before the latest merge.
  const std::vector<float>& own() const { return own_; }

 private:
  genkidama::LocalTrainer& trainer_;
  std::vector<float> own_;
  bool joined_ = false;
};

}  // namespace

int main() {
  constexpr std::uint64_t kRounds = 20;
  genkidama::OrchestratorOptions options;
  options.workers = 2;
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, genkidama::thesis_network(), options);
  SharedPolicy rule(trainer);

  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  genkidama::ParentOptions parent_options;
  parent_options.listen = {genkidama::Endpoint::parse("127.0.0.1:0")};
  parent_options.alpha = 0.5;
  genkidama::Parent parent(parent_options, trainer.layout(), weights);
  parent.start();

  genkidama::ChildOptions child_options;
  child_options.connect = genkidama::Endpoint{"127.0.0.1", parent.ports().front()};
  child_options.beta = 1;
  genkidama::Child child(child_options, rule);
  child.run([](const genkidama::ChildProgress& progress) { return progress.rounds < kRounds; });

  trainer.read_weights(weights);
  const std::vector<float> shared = parent.weights();
  float apart = 0;
  float wrong = 0;
  for (const genkidama::TensorInfo& tensor : trainer.layout().tensors()) {
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.count; ++i) {
      const float own = rule.own()[i];
      const float expected = is_value_head(tensor) ? own : (own + shared[i]) / 2;
      wrong = std::max(wrong, std::abs(weights[i] - expected));
      if (is_value_head(tensor)) apart = std::max(apart, std::abs(weights[i] - shared[i]));
    }
  }
  fmt::print("{} merges; the value head is up to {:.4f} from the Parent's\n", parent.status().updates, apart);
  return parent.status().updates == kRounds && wrong < 1e-6F && apart > 0 ? 0 : 1;
}
