#pragma once

/// @file
/// The ways in which a Parent and its Children exchange weights.

#include <optional>
#include <string_view>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How a Parent merges what its Children send. A Parent and its Children must have the same.
enum class ExchangeKind {
  /// The thesis' exchange: each Child's weights are merged at once when they come, and answered at once.
  kEach,
  /// Children make rounds together: the Parent averages what they have learnt when all of them have
  /// answered, or enough of them, or a deadline has passed.
  kRounds,
  /// Nothing is averaged: the Children are actors, which play with the Parent's weights and send what they
  /// have
  /// played (Segment), and the Parent's machine learns.
  kSegments,
  /// Nothing is averaged: each Child is a member of a population with weights and hyperparameters of its own,
  /// and the Parent tells it to keep them, or to go on from a better member's (Population).
  kPopulation,
};

/// The name of a kind: "each", "rounds", "segments" or "population".
const char* exchange_name(ExchangeKind kind);
/// The kind of that name; nothing when there is none.
std::optional<ExchangeKind> exchange_of(std::string_view name);

}  // namespace genkidama
