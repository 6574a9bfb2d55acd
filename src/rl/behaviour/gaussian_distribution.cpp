#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "genkidama/rl/behaviour.h"
#include "rl/behaviour/gaussian_units.h"

namespace genkidama {
namespace {

const double kHalfLogTwoPi = std::log(2 * std::numbers::pi) / 2;

/// Gauss-Hermite quadrature with 16 points for a standard normal number: the mean of f is the sum of
/// weight (f(point) + f(-point)).
struct QuadraturePoint {
  double point, weight;
};
constexpr QuadraturePoint kQuadrature[] = {
    {0.3867606045005573, 0.2865685212380121},   {1.163829100554965, 0.1583383727509494},
    {1.951980345716334, 0.047284752354014},     {2.760245047630701, 0.007266937601184741},
    {3.600873624171548, 0.0005259849265739098}, {4.492955302520011, 1.530003216248731e-05},
    {5.472225705949343, 1.309473216286821e-07}, {6.630878198393129, 1.497814723161837e-10},
};

/// How much squashing adds to the entropy of one component, and its derivatives.
struct Squashing {
  double entropy = 0;
  double by_mean = 0;
  double by_log_deviation = 0;
};

/// The mean of log(1 - tanh(u)^2) over u from a normal distribution; its derivative by u is -2 tanh(u).
Squashing squash(double mean, double deviation) {
  Squashing result;
  for (const auto& [point, weight] : kQuadrature) {
    for (const double z : {point, -point}) {
      const double u = mean + deviation * z;
      const double slope = -2 * std::tanh(u);
      result.entropy += weight * log_tanh_slope(u);
      result.by_mean += weight * slope;
      result.by_log_deviation += weight * slope * deviation * z;
    }
  }
  return result;
}

class GaussianDistribution final : public ActionDistribution {
 public:
  GaussianDistribution(const ActionSpace& space, const GaussianOptions& options) : units_(space, options) {}

  void evaluate(std::span<const float> outputs, ActionMask, std::span<const float> chosen,
                std::span<float> log_probabilities) override {
    outputs_ = outputs;
    const std::size_t size = units_.size();
    distances_.resize(chosen.size());
    for (std::size_t t = 0; t < log_probabilities.size(); ++t) {
      const float* row = outputs.data() + t * 2 * size;
      double sum = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const float value = chosen[t * size + i];
        const double log_deviation = units_.log_deviation(row[size + i]);
        const double distance = (static_cast<double>(value) - row[i]) / std::exp(log_deviation);
        distances_[t * size + i] = distance;
        sum -= distance * distance / 2 + log_deviation + kHalfLogTwoPi;
        if (units_.squashes()) sum -= log_tanh_slope(value);
      }
      log_probabilities[t] = static_cast<float>(sum);
    }
  }

  double backward(std::span<const float> by_log_probability, float by_entropy,
                  std::span<float> by_outputs) override {
    const std::size_t n = by_log_probability.size();
    const std::size_t size = units_.size();
    double entropy = 0;
    for (std::size_t t = 0; t < n; ++t) {
      const float* row = outputs_.data() + t * 2 * size;
      float* gradient = by_outputs.data() + t * 2 * size;
      const double by_log = by_log_probability[t];
      for (std::size_t i = 0; i < size; ++i) {
        const double log_deviation = units_.log_deviation(row[size + i]);
        const double deviation = std::exp(log_deviation);
        const double distance = distances_[t * size + i];
        entropy += log_deviation + kHalfLogTwoPi + 0.5;
        // d log p / d mean = z / deviation, and d log p / d log-deviation = z^2 - 1.
        double by_mean = by_log * distance / deviation;
        double by_log_deviation = by_log * (distance * distance - 1) + by_entropy;
        if (units_.squashes()) {
          const Squashing squashing = squash(row[i], deviation);
          entropy += squashing.entropy;
          by_mean += by_entropy * squashing.by_mean;
          by_log_deviation += by_entropy * squashing.by_log_deviation;
        }
        gradient[i] = static_cast<float>(by_mean);
        gradient[size + i] =
            units_.is_within_limits(row[size + i]) ? static_cast<float>(by_log_deviation) : 0;
      }
    }
    return entropy / static_cast<double>(n);
  }

 private:
  GaussianUnits units_;
  std::span<const float> outputs_;  ///< the latest batch's
  std::vector<double> distances_;   ///< from the mean in deviations, [n, components]
};

}  // namespace

std::unique_ptr<ActionDistribution> gaussian_distribution(const ActionSpace& space,
                                                          const GaussianOptions& options) {
  return std::make_unique<GaussianDistribution>(space, options);
}

}  // namespace genkidama
