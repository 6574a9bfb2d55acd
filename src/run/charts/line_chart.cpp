#include "run/charts/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/markup.h"
#include "genkidama/core/utf8.h"
#include "run/charts/ticks.h"

namespace genkidama::run {
namespace {

constexpr double kWidth = 760;
constexpr double kLeft = 68, kRight = 18, kTop = 40;
constexpr double kPlotHeight = 330;
constexpr double kAxisHeight = 46;  // of the numbers and the label below the lines
constexpr double kLegendLine = 20;
constexpr int kMostXTicks = 9, kMostYTicks = 8;
constexpr std::size_t kMostLegendBytes = 100;
constexpr std::size_t kMostTitleBytes = 90;

struct Frame {
  AxisRange x, y;

  double left() const { return kLeft; }
  double right() const { return kWidth - kRight; }
  double top() const { return kTop; }
  double bottom() const { return kTop + kPlotHeight; }
  double place_x(double value) const {
    return left() + (value - x.low) / (x.high - x.low) * (right() - left());
  }
  double place_y(double value) const {
    return bottom() - (value - y.low) / (y.high - y.low) * (bottom() - top());
  }
};

bool has_line(const ChartPoint& point) {
  return is_drawable(point.x) && is_drawable(point.y);
}

bool has_band(const ChartPoint& point) {
  return is_drawable(point.x) && is_drawable(point.low) && is_drawable(point.high);
}

/// The smallest range around values that come one by one.
class Extent {
 public:
  void add(double value) {
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  }
  bool is_empty() const { return low_ > high_; }
  AxisRange range() const { return is_empty() ? AxisRange{0, 1} : range_of(low_, high_); }

 private:
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
};

struct Extents {
  Extent x, y;
};

Extents extents_of(const LineChart& chart) {
  Extents all;
  for (const ChartSeries& series : chart.series) {
    for (const ChartPoint& point : series.points) {
      if (has_line(point)) {
        all.x.add(point.x);
        all.y.add(point.y);
      }
      if (has_band(point)) {
        all.x.add(point.x);
        all.y.add(point.low);
        all.y.add(point.high);
      }
    }
  }
  if (chart.level && is_drawable(chart.level->y) && !all.y.is_empty()) all.y.add(chart.level->y);
  return all;
}

// A curve that touches the frame looks cut off.
AxisRange with_margin(const AxisRange& range) {
  const double margin = 0.04 * (range.high - range.low);
  return {range.low - margin, range.high + margin};
}

std::string text_at(double x, double y, std::string_view style, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", x, y, style,
                     markup_text(text));
}

std::string straight(double x1, double y1, double x2, double y2, std::string_view style) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1,
                     x2, y2, style);
}

std::string axes(const LineChart& chart, const Frame& frame) {
  std::string svg;
  const auto x_ticks = round_ticks(frame.x, kMostXTicks);
  const auto x_texts = tick_texts(x_ticks);
  for (std::size_t i = 0; i < x_ticks.size(); ++i) {
    const double x = frame.place_x(x_ticks[i]);
    svg += straight(x, frame.top(), x, frame.bottom(), "grid");
    svg += text_at(x, frame.bottom() + 17, "middle", x_texts[i]);
  }
  const auto y_ticks = round_ticks(frame.y, kMostYTicks);
  const auto y_texts = tick_texts(y_ticks);
  for (std::size_t i = 0; i < y_ticks.size(); ++i) {
    const double y = frame.place_y(y_ticks[i]);
    svg += straight(frame.left(), y, frame.right(), y, "grid");
    svg += text_at(frame.left() - 7, y + 4, "end", y_texts[i]);
  }
  svg += straight(frame.left(), frame.bottom(), frame.right(), frame.bottom(), "axis");
  svg += straight(frame.left(), frame.top(), frame.left(), frame.bottom(), "axis");
  const double middle = (frame.left() + frame.right()) / 2;
  svg += text_at(middle, frame.bottom() + 36, "middle", chart.x_label);
  svg += fmt::format("<text transform=\"translate(16 {:.1f}) rotate(-90)\" class=\"middle\">{}</text>\n",
                     (frame.top() + frame.bottom()) / 2, markup_text(chart.y_label));
  return svg;
}

/// What is drawn without a gap: points of one series, from `begin` up to `end`.
struct Stretch {
  std::size_t begin, end;
};

std::vector<Stretch> stretches_of(const ChartSeries& series, bool (*is_there)(const ChartPoint&)) {
  std::vector<Stretch> stretches;
  bool is_inside = false;
  for (std::size_t i = 0; i < series.points.size(); ++i) {
    if (!is_there(series.points[i])) {
      is_inside = false;
    } else if (is_inside) {
      stretches.back().end = i + 1;
    } else {
      stretches.push_back({i, i + 1});
      is_inside = true;
    }
  }
  return stretches;
}

std::string place_of(const Frame& frame, double x, double y) {
  return fmt::format("{:.1f} {:.1f}", frame.place_x(x), frame.place_y(y));
}

std::string band(const ChartSeries& series, const Frame& frame, std::size_t number) {
  std::string svg;
  for (const auto& [begin, end] : stretches_of(series, has_band)) {
    if (end - begin < 2) continue;
    std::string path;
    for (std::size_t i = begin; i < end; ++i) {
      path += (i == begin ? 'M' : 'L') + place_of(frame, series.points[i].x, series.points[i].high);
    }
    for (std::size_t i = end; i-- > begin;) {
      path += 'L' + place_of(frame, series.points[i].x, series.points[i].low);
    }
    svg += fmt::format("<path d=\"{}Z\" class=\"band c{}\"/>\n", path, number % 7);
  }
  return svg;
}

std::string style_of(std::size_t number) {
  return fmt::format("curve c{} d{}", number % 7, number / 7 % 3);
}

std::string curve(const ChartSeries& series, const Frame& frame, std::size_t number) {
  std::string svg;
  for (const auto& [begin, end] : stretches_of(series, has_line)) {
    if (end - begin > 1) {
      std::string path;
      for (std::size_t i = begin; i < end; ++i) {
        path += (i == begin ? 'M' : 'L') + place_of(frame, series.points[i].x, series.points[i].y);
      }
      svg += fmt::format("<path d=\"{}\" class=\"{}\"/>\n", path, style_of(number));
    }
    if (end - begin > 1 && !series.has_marks) continue;
    // A point alone has no line, and would not be seen.
    for (std::size_t i = begin; i < end; ++i) {
      svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" class=\"mark c{}\"/>\n",
                         frame.place_x(series.points[i].x), frame.place_y(series.points[i].y), number % 7);
    }
  }
  return svg;
}

// Of a byte less than the whole, so that three points fit behind it.
std::string cut_text(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  return std::string(cut_utf8(text, most - 3)) + "...";
}

std::string legend(const LineChart& chart, double top) {
  std::string svg;
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    const double y = top + kLegendLine * (static_cast<double>(i) + 0.5);
    svg += straight(kLeft, y, kLeft + 28, y, style_of(i));
    svg += text_at(kLeft + 36, y + 4, "start", cut_text(chart.series[i].name, kMostLegendBytes));
  }
  return svg;
}

std::string level(const LineChart& chart, const Frame& frame) {
  if (!chart.level || !is_drawable(chart.level->y)) return "";
  const double y = frame.place_y(chart.level->y);
  return straight(frame.left(), y, frame.right(), y, "level") +
         text_at(frame.left() + 6, y - 5, "start", chart.level->name);
}

std::string drawing(const LineChart& chart) {
  const Extents extents = extents_of(chart);
  const bool is_empty = extents.x.is_empty();
  const Frame frame{extents.x.range(), with_margin(extents.y.range())};
  std::string svg = text_at(kLeft, 24, "start title", cut_text(chart.title, kMostTitleBytes));
  if (is_empty) {
    svg += text_at(kWidth / 2, kTop + kPlotHeight / 2, "middle", "There is nothing to draw yet.");
  } else {
    svg += axes(chart, frame) + level(chart, frame);
  }
  // Bands first, so that none of them lies over another one's line.
  for (std::size_t i = 0; i < chart.series.size(); ++i) svg += band(chart.series[i], frame, i);
  for (std::size_t i = 0; i < chart.series.size(); ++i) svg += curve(chart.series[i], frame, i);
  return svg + legend(chart, frame.bottom() + kAxisHeight);
}

std::string svg_of(const LineChart& chart, const std::string& style) {
  const double height =
      kTop + kPlotHeight + kAxisHeight + kLegendLine * static_cast<double>(chart.series.size()) + 10;
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "class=\"chart\" role=\"img\" aria-label=\"{2}\">\n{3}"
      "<rect x=\"0\" y=\"0\" width=\"{0}\" height=\"{1}\" class=\"paper\"/>\n{4}</svg>\n",
      kWidth, height, markup_text(chart.title), style, drawing(chart));
}

struct Colour {
  const char *light, *dark;
};

// The palette without its yellow, which is lost on white; brighter on black.
constexpr Colour kColours[] = {{"#0072b2", "#4db2ec"}, {"#d55e00", "#ff8a3d"}, {"#009e73", "#2fcf9f"},
                               {"#cc79a7", "#e79ac6"}, {"#e69f00", "#f5bd3d"}, {"#56b4e9", "#9ad7fb"},
                               {"#000000", "#f0f0f0"}};

std::string colours(const char* Colour::*scheme) {
  std::string css;
  for (std::size_t i = 0; i < std::size(kColours); ++i) {
    const char* const colour = kColours[i].*scheme;
    css += fmt::format(".chart .curve.c{0}{{stroke:{1}}}.chart .band.c{0},.chart .mark.c{0}{{fill:{1}}}\n", i,
                       colour);
  }
  return css;
}

}  // namespace

std::string chart_style() {
  return ".chart text{font:13px system-ui,sans-serif;fill:#333}\n"
         ".chart .title{font-size:15px;font-weight:600}\n"
         ".chart .middle{text-anchor:middle}.chart .end{text-anchor:end}.chart .start{text-anchor:start}\n"
         ".chart .paper{fill:#fff}.chart .grid{stroke:#e4e4e4}.chart .axis{stroke:#777}\n"
         ".chart .level{stroke:#777;stroke-dasharray:6 4}\n"
         ".chart .curve{fill:none;stroke-width:2;stroke-linejoin:round}\n"
         ".chart .band{opacity:.2;stroke:none}\n"
         ".chart .d1{stroke-dasharray:8 4}.chart .d2{stroke-dasharray:2 4}\n" +
         colours(&Colour::light) +
         "@media (prefers-color-scheme:dark){\n"
         ".chart text{fill:#ddd}.chart .paper{fill:#161616}.chart .grid{stroke:#333}\n"
         ".chart .axis,.chart .level{stroke:#999}\n" +
         colours(&Colour::dark) + "}\n";
}

std::string chart_element(const LineChart& chart) {
  return svg_of(chart, "");
}

std::string chart_file(const LineChart& chart) {
  return svg_of(chart, "<style>\n" + chart_style() + "</style>\n");
}

}  // namespace genkidama::run
