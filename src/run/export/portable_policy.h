#pragma once

/// @file
/// A policy as what computes it, for who writes it in another form.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "genkidama/env/action_space.h"
#include "genkidama/nn/network_spec.h"
#include "genkidama/run/export.h"
#include "nn/mlp_shape.h"
#include "rl/behaviour/gaussian_units.h"
#include "rl/normalisation.h"
#include "rl/policy_parts.h"

namespace genkidama::run {

/// How a number of a continuous component follows from its output.
enum class ContinuousUnit {
  kOutput,  ///< it is the output
  kTanh     ///< it is the hyperbolic tangent of the output
};

struct PortablePolicy {
  std::string environment;  ///< may be anything: a file said so
  std::string network;      ///< Network::description()
  std::string behaviour;    ///< Behaviour::description()
  NetworkSpec sizes;
  Normaliser normaliser;
  MlpShape shape;                          ///< its trunk, memory and policy count
  std::vector<float> weights;              ///< of these three, one after the other
  WeightForm form = WeightForm::kFloat32;  ///< in which the matrices, already rounded, are written
  std::vector<float> free;                 ///< the last outputs, which do not depend on the observation
  ActionSpace actions;
  int outputs_each = 1;  ///< outputs whose sum is that of an alternative
  /// What the environment is given: low <= centre + half_range * unit <= high.
  std::vector<GaussianUnits::Component> components;
  ContinuousUnit unit = ContinuousUnit::kOutput;
  /// Whether actions can be drawn: choices from the softmax, components from normal numbers whose
  /// log-deviations are the last outputs that count.
  bool is_sampled = false;
  double log_deviation_offset = 0;  ///< added to those outputs

  std::size_t observation_size() const { return static_cast<std::size_t>(sizes.observation_size()); }
  std::size_t output_size() const { return static_cast<std::size_t>(sizes.policy); }
  bool has_memory() const { return shape.memory.units > 0; }
  /// Where the outputs of the continuous components begin.
  std::size_t first_component_output() const {
    return actions.alternatives() * static_cast<std::size_t>(outputs_each);
  }
};

/// A layer as a model has it.
struct PortableLayer {
  std::vector<float> weight;  ///< [bias.size(), in]
  std::vector<float> bias;
};
/// The layer of a weight [bias.size(), in] with further units that have no weights, and these biases.
PortableLayer layer_with_free(std::span<const float> weight, std::span<const float> bias,
                              std::span<const float> free, std::size_t in);

/// What continuous components are given, a number of each one after the other.
struct ComponentColumns {
  std::vector<float> low, high;
  std::vector<double> centre, half_range;
};
ComponentColumns columns_of(const std::vector<GaussianUnits::Component>& components);

/// What the file, which was read from `path`, says of its policy. Throws ArgumentError when its network or
/// its way of acting is not one of the library's, and as load_policy() for a file that is damaged.
PolicyRecord portable_record(const std::filesystem::path& path, const Checkpoint& file);

/// Takes apart a policy of a portable_record(). Throws FormatError where its parts do not fit each other.
PortablePolicy portable_policy(const std::filesystem::path& path, const PolicyParts& parts);

}  // namespace genkidama::run
