#include "run/charts/line_chart.h"

#include <limits>
#include <string>
#include <vector>

#include "core/markup.h"
#include "run/charts/ticks.h"
#include "support/catch.h"

using namespace genkidama::run;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

LineChart chart_with(std::vector<ChartPoint> points) {
  LineChart chart;
  chart.title = "title";
  chart.series.push_back({"line", std::move(points), false});
  return chart;
}

std::vector<std::string> texts_between(double low, double high) {
  return tick_texts(round_ticks(range_of(low, high), 6));
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("ticks are round numbers within the range, with the same digits") {
  CHECK(texts_between(0, 10) == Texts{"0", "2", "4", "6", "8", "10"});
  CHECK(texts_between(-1.3, 0.9) == Texts{"-1.0", "-0.5", "0", "0.5"});
  CHECK(texts_between(0, 3'000'000) == Texts{"0", "1M", "2M", "3M"});
  CHECK(texts_between(0, 45'000) == Texts{"0", "10k", "20k", "30k", "40k"});
  CHECK(texts_between(0.0011, 0.0049) == Texts{"0.002", "0.003", "0.004"});
  CHECK(texts_between(0, 4e12) == Texts{"0", "1e+12", "2e+12", "3e+12", "4e+12"});
}

TEST_CASE("a range of one value, of 0 and of the largest numbers has ticks") {
  for (const double value : {0.0, 500.0, -3.0, 1e-300, 1e300}) {
    CAPTURE(value);
    const AxisRange range = range_of(value, value);
    CHECK(range.low < range.high);
    const auto ticks = round_ticks(range, 6);
    CHECK(ticks.size() >= 1);
    CHECK(ticks.size() <= 6);
    CHECK(tick_texts(ticks).size() == ticks.size());
  }
  CHECK(round_ticks(range_of(-kMostDrawn, kMostDrawn), 6).size() >= 2);
  // A double has no number between these.
  CHECK(round_ticks(range_of(1e15, 1e15 + 0.1), 6).size() <= 6);
}

TEST_CASE("text from outside cannot leave its place in markup") {
  CHECK(genkidama::markup_text("a < b & \"c\" > 'd'") == "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;");
  CHECK(genkidama::markup_text(std::string("nul \0 bell \a", 12)) == "nul \xEF\xBF\xBD bell \xEF\xBF\xBD");
  CHECK(genkidama::markup_text("\xFF \xEF\xBF\xBF \xC3\xA9") == "\xEF\xBF\xBD \xEF\xBF\xBD \xC3\xA9");

  LineChart chart = chart_with({{0, 1}, {1, 2}});
  chart.title = chart.x_label = chart.y_label = chart.series[0].name = "<script>alert(1)</script>";
  chart.level = ChartLevel{1.5, "</svg><script>"};
  const std::string svg = chart_file(chart);
  CHECK(count_of(svg, "<script") == 0);
  CHECK(count_of(svg, "</svg>") == 1);
}

TEST_CASE("a chart without a point says so, and one point is a dot") {
  for (const auto& chart : {LineChart(), chart_with({}), chart_with({{0, kNaN}, {kInfinity, 1}})}) {
    const std::string svg = chart_file(chart);
    CHECK(count_of(svg, "There is nothing to draw yet.") == 1);
    CHECK(count_of(svg, "<path") == 0);
    CHECK(count_of(svg, "nan") == 0);
  }
  const std::string svg = chart_file(chart_with({{3, 4}}));
  CHECK(count_of(svg, "<circle") == 1);
  CHECK(count_of(svg, "nothing to draw") == 0);
}

TEST_CASE("a value that cannot be drawn is a gap of the line and of the band") {
  const std::string svg =
      chart_file(chart_with({{0, 1, 0, 2}, {1, 1, 0, 2}, {2, kNaN, kNaN, kNaN}, {3, 2, 1, 3}, {4, 1, 0, 2}}));
  CHECK(count_of(svg, "class=\"curve c0 d0\"") == 3);  // two stretches, and the legend
  CHECK(count_of(svg, "class=\"band c0\"") == 2);
  CHECK(count_of(svg, "nan") == 0);
  CHECK(count_of(chart_file(chart_with({{0, 1}, {1, 1e308}, {2, -kInfinity}})), "inf") == 0);
}

TEST_CASE("many lines stay apart by colour and then by dashes") {
  LineChart chart;
  for (int i = 0; i < 16; ++i) chart.series.push_back({"line", {{0, 1.0 * i}, {1, 2.0 * i}}, false});
  const std::string svg = chart_file(chart);
  for (const char* const style : {"curve c0 d0", "curve c6 d0", "curve c0 d1", "curve c1 d2"}) {
    CAPTURE(style);
    CHECK(count_of(svg, std::string("class=\"") + style) == 2);
  }
}
