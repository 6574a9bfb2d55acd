#pragma once

/// @file
/// Line charts as SVG: round ticks, bands, a legend, light and dark, no script, nothing that is loaded.

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// A point of a line, and how far its band reaches there. A value that is NaN, infinite or above kMostDrawn
/// is a gap of the line, or of the band.
struct ChartPoint {
  double x = 0;
  double y = 0;
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

/// One line; the legend names it.
struct ChartSeries {
  std::string name;
  std::vector<ChartPoint> points;  ///< from left to right
  bool has_marks = false;          ///< a dot at each point
};

/// A value that the lines are held against.
struct ChartLevel {
  double y = 0;
  std::string name;
};

/// All texts are plain; the chart escapes them.
struct LineChart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<ChartSeries> series;
  std::optional<ChartLevel> level;
};

/// How many points a line needs at most: more than one for two pixels of the picture are not seen.
inline constexpr int kChartPoints = 320;

/// The style sheet of charts, which chart_element() needs in its page once. Lines differ in colours that are
/// told apart with any eyes (Okabe and Ito, 2008), and after seven in their dashes too.
std::string chart_style();

/// The chart as an element of an HTML page.
std::string chart_element(const LineChart& chart);

/// The chart as an SVG file of its own.
std::string chart_file(const LineChart& chart);

}  // namespace run
}  // namespace genkidama
