#include <algorithm>
#include <utility>

#include "rl/behaviour/product.h"

namespace genkidama {
namespace {

/// The columns `first` to `first + width` of rows [n, from.size() / n].
template <typename T>
void take_columns(std::span<const T> from, std::size_t n, std::size_t first, std::size_t width,
                  std::vector<T>& into) {
  const std::size_t whole = from.size() / n;
  into.resize(n * width);
  for (std::size_t t = 0; t < n; ++t)
    std::copy_n(from.data() + t * whole + first, width, into.data() + t * width);
}

class ProductDistribution final : public ActionDistribution {
 public:
  explicit ProductDistribution(std::vector<DistributionPart> parts) {
    for (auto& part : parts) parts_.push_back({std::move(part), {}, {}, {}, {}});
  }

  void evaluate(std::span<const float> outputs, ActionMask masks, std::span<const float> chosen,
                std::span<float> log_probabilities) override {
    const std::size_t n = log_probabilities.size();
    of_part_.resize(n);
    std::fill(log_probabilities.begin(), log_probabilities.end(), 0.0f);
    PartWidths first;
    for (Part& part : parts_) {
      const PartWidths& widths = part.given.widths;
      take_columns(outputs, n, first.outputs, widths.outputs, part.outputs);
      take_columns(chosen, n, first.chosen, widths.chosen, part.chosen);
      part.masks.clear();
      if (!masks.empty()) take_columns(masks, n, first.alternatives, widths.alternatives, part.masks);
      part.given.distribution->evaluate(part.outputs, part.masks, part.chosen, of_part_);
      for (std::size_t t = 0; t < n; ++t) log_probabilities[t] += of_part_[t];
      first.outputs += widths.outputs;
      first.chosen += widths.chosen;
      first.alternatives += widths.alternatives;
    }
  }

  double backward(std::span<const float> by_log_probability, float by_entropy,
                  std::span<float> by_outputs) override {
    const std::size_t n = by_log_probability.size();
    const std::size_t whole = by_outputs.size() / n;
    double entropy = 0;
    std::size_t first = 0;
    for (Part& part : parts_) {
      const std::size_t width = part.given.widths.outputs;
      part.by_outputs.resize(part.outputs.size());
      entropy += part.given.distribution->backward(by_log_probability, by_entropy, part.by_outputs);
      for (std::size_t t = 0; t < n; ++t)
        std::copy_n(part.by_outputs.data() + t * width, width, by_outputs.data() + t * whole + first);
      first += width;
    }
    return entropy;
  }

 private:
  /// A part and its columns of the latest batch.
  struct Part {
    DistributionPart given;
    std::vector<float> outputs;
    std::vector<float> chosen;
    std::vector<std::uint8_t> masks;
    std::vector<float> by_outputs;
  };

  std::vector<Part> parts_;
  std::vector<float> of_part_;
};

}  // namespace

std::unique_ptr<ActionDistribution> product_distribution(std::vector<DistributionPart> parts) {
  return std::make_unique<ProductDistribution>(std::move(parts));
}

}  // namespace genkidama
