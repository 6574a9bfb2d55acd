#include "rl/behaviour/product.h"

#include <string>
#include <utility>

namespace genkidama {
namespace {

/// Takes the first `count` elements off the front of `rest`.
template <typename T>
std::span<T> take(std::span<T>& rest, std::size_t count) {
  const std::span<T> front = rest.first(count);
  rest = rest.subspan(count);
  return front;
}

class Product final : public Behaviour {
 public:
  explicit Product(std::vector<BehaviourPart> parts) : parts_(std::move(parts)) {}

  void start_episode() override {
    for (const BehaviourPart& part : parts_) part.behaviour->start_episode();
  }

  void act(std::span<const float> outputs, ActionMask mask, Acting acting, Random& random,
           std::span<float> chosen, float& log_probability) const override {
    log_probability = 0;
    for (const auto& [widths, behaviour] : parts_) {
      float of_part = 0;
      const ActionMask own_mask = mask.empty() ? mask : take(mask, widths.alternatives);
      behaviour->act(take(outputs, widths.outputs), own_mask, acting, random, take(chosen, widths.chosen),
                     of_part);
      log_probability += of_part;
    }
  }

  void to_environment(std::span<const float> chosen, std::span<float> action) const override {
    for (const auto& [widths, behaviour] : parts_)
      behaviour->to_environment(take(chosen, widths.chosen), take(action, widths.chosen));
  }

  /// Those of the parts, without repetition: how many of a kind there are, the action space says.
  std::string description() const override {
    std::string text, latest;
    for (const auto& part : parts_) {
      const std::string own = part.behaviour->description();
      if (own == latest) continue;
      text += (text.empty() ? "" : ", ") + own;
      latest = own;
    }
    return text;
  }

 private:
  std::vector<BehaviourPart> parts_;
};

}  // namespace

std::unique_ptr<Behaviour> product(std::vector<BehaviourPart> parts) {
  return std::make_unique<Product>(std::move(parts));
}

}  // namespace genkidama
