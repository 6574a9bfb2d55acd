#include "run/evaluation/figure_text.h"

#include <limits>

#include "support/catch.h"

using genkidama::run::figure_text;

TEST_CASE("a figure has the digits that its standard error leaves", "[run]") {
  CHECK(figure_text(0.96901, 0.0021) == "0.9690");
  CHECK(figure_text(0.0021, 0.0021) == "0.0021");
  CHECK(figure_text(263.42, 5.21) == "263.4");
  CHECK(figure_text(263.42, 52.1) == "263");
  CHECK(figure_text(-1234567.8, 5210) == "-1234568");
  CHECK(figure_text(0, 0.05) == "0.000");
  CHECK(figure_text(1.23456e30, 4.5e28) == "1.235e+30");
  CHECK(figure_text(-1.23456e-40, 4.5e-42) == "-1.235e-40");
  CHECK(figure_text(0, 4.5e28) == "0");
}

TEST_CASE("a figure without a standard error has what is known of it", "[run]") {
  CHECK(figure_text(500, 0) == "500");
  CHECK(figure_text(0.969012, 0) == "0.969012");
  CHECK(figure_text(1e30, 0) == "1e+30");
  CHECK(figure_text(1, std::numeric_limits<double>::infinity()) == "1");

  CHECK(figure_text(0.969012) == "0.9690");
  CHECK(figure_text(-21.345) == "-21.34");
  CHECK(figure_text(250.94) == "250.9");
  CHECK(figure_text(12345.67) == "12345.7");
  CHECK(figure_text(0) == "0.0");
  CHECK(figure_text(1.23456e30) == "1.235e+30");
  CHECK(figure_text(1e-7) == "1.000e-07");
}
