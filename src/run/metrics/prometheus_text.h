#pragma once

/// @file
/// Prometheus' text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace genkidama::run {

/// What its pages are served as.
inline constexpr std::string_view kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

/// Names are given without "genkidama_", which all have. A counter's ends with "_total", and a unit stands in
/// the name.
class PrometheusText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  void counter(std::string_view name, std::string_view help, double value) {
    counters(name, help);
    sample(value);
  }
  void gauge(std::string_view name, std::string_view help, double value) {
    gauges(name, help);
    sample(value);
  }
  /// Begins a metric with any number of samples.
  void counters(std::string_view name, std::string_view help) { begin(name, "counter", help); }
  void gauges(std::string_view name, std::string_view help) { begin(name, "gauge", help); }
  /// Of the metric that was begun last. Values of labels may be any UTF-8.
  void sample(double value, Labels labels = {});

  const std::string& text() const { return text_; }

 private:
  void begin(std::string_view name, std::string_view type, std::string_view help);

  std::string name_, text_;
};

}  // namespace genkidama::run
