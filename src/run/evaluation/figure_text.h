#pragma once

/// @file
/// Figures for people, with the digits that mean something.

#include <string>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// The figure down to the second digit of `error`, its standard error or that of the figures beside it:
/// "0.9690" for 0.96901 with an error of 0.0021. Very large and very small figures are written as "1.23e+30".
/// An error of 0, or one that is not finite, says nothing: then as many of six digits as the figure has.
std::string figure_text(double value, double error);

/// A figure whose error is not known: four digits, and at least one behind the point.
std::string figure_text(double value);

/// A time as "12s", "3m20s" or "1h02m"; below 0 and NaN count as 0.
std::string duration_text(double seconds);

}  // namespace run
}  // namespace genkidama
