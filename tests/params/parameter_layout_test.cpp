#include "genkidama/params/parameter_layout.h"

#include <limits>
#include <set>
#include <string>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;
using Tensors = std::vector<ParameterLayout::Tensor>;
using Catch::Contains;

namespace {

const Tensors kThesis{{"pi1.weight", {128, 8}}, {"pi1.bias", {128}},     {"pi2.weight", {4, 128}},
                      {"pi2.bias", {4}},        {"v1.weight", {128, 8}}, {"v1.bias", {128}},
                      {"v2.weight", {1, 128}},  {"v2.bias", {1}}};

}  // namespace

TEST_CASE("tensors follow one another in the flat weights") {
  const ParameterLayout layout(kThesis);
  REQUIRE(layout.size() == 2949);
  std::size_t offset = 0;
  for (std::size_t i = 0; i < kThesis.size(); ++i) {
    const TensorInfo& tensor = layout.tensors()[i];
    REQUIRE(tensor.name == kThesis[i].name);
    REQUIRE(tensor.shape == kThesis[i].shape);
    REQUIRE(tensor.offset == offset);
    offset += tensor.count;
  }
  REQUIRE(offset == layout.size());
}

TEST_CASE("a scalar has one element") {
  const ParameterLayout layout(Tensors{{"step", {}}});
  REQUIRE(layout.size() == 1);
  REQUIRE(shape_text(layout.tensors()[0].shape) == "[]");
  REQUIRE(shape_text({4, 128}) == "[4, 128]");
}

TEST_CASE("the hash tells apart names, shapes and their order") {
  const std::set<std::uint64_t> hashes{
      ParameterLayout(kThesis).hash(),
      ParameterLayout().hash(),
      ParameterLayout(Tensors{{"a", {2, 3}}}).hash(),
      ParameterLayout(Tensors{{"a", {3, 2}}}).hash(),
      ParameterLayout(Tensors{{"a", {6}}}).hash(),
      ParameterLayout(Tensors{{"b", {2, 3}}}).hash(),
      ParameterLayout(Tensors{{"a", {2}}, {"b", {3}}}).hash(),
      ParameterLayout(Tensors{{"b", {3}}, {"a", {2}}}).hash(),
      ParameterLayout(Tensors{{"ab", {2}}, {"c", {3}}}).hash(),
      ParameterLayout(Tensors{{"a", {2}}, {"bc", {3}}}).hash(),
  };
  REQUIRE(hashes.size() == 10);
  REQUIRE(ParameterLayout(kThesis).hash() == ParameterLayout(kThesis).hash());
}

TEST_CASE("the hash is the same on every platform") {
  // Peers compare it, so it may never change.
  REQUIRE(ParameterLayout(kThesis).hash() == 0xbcaf05a6c7b99bbau);
  REQUIRE(ParameterLayout().hash() == ParameterLayout(Tensors{}).hash());
}

TEST_CASE("the difference names the first tensor that differs") {
  const ParameterLayout layout(Tensors{{"pi1.weight", {4}}, {"pi2.weight", {4, 128}}});
  REQUIRE(layout == ParameterLayout(Tensors{{"pi1.weight", {4}}, {"pi2.weight", {4, 128}}}));
  REQUIRE_FALSE(layout.difference(layout));
  REQUIRE(layout.difference(ParameterLayout(Tensors{{"pi1.weight", {4}}, {"pi2.weight", {4, 64}}})) ==
          "tensor 1 is 'pi2.weight' [4, 128] here and 'pi2.weight' [4, 64] there");
  REQUIRE(layout.difference(ParameterLayout(Tensors{{"x", {4}}, {"pi2.weight", {4, 128}}})) ==
          "tensor 0 is 'pi1.weight' [4] here and 'x' [4] there");
  REQUIRE(layout.difference(ParameterLayout(Tensors{{"pi1.weight", {4}}})) ==
          "tensor 1 is 'pi2.weight' [4, 128] here and missing there");
  REQUIRE(layout.difference(ParameterLayout(Tensors{{"pi1.weight", {4}}}), "at 'a'", "at 'b'") ==
          "tensor 1 is 'pi2.weight' [4, 128] at 'a' and missing at 'b'");
  REQUIRE(ParameterLayout().difference(layout) == "tensor 0 is missing here and 'pi1.weight' [4] there");
}

TEST_CASE("a layout that cannot be is refused with the tensor's name") {
  const auto make = [](const Tensors& tensors) { return ParameterLayout(tensors); };
  REQUIRE_THROWS_AS(make({{"", {1}}}), ArgumentError);
  REQUIRE_THROWS_WITH(make({{"a", {1}}, {"b", {1}}, {"a", {1}}}), Contains("tensor 2 is a second 'a'"));
  REQUIRE_THROWS_WITH(make({{"w", {3, 0}}}), Contains("'w'") && Contains("[3, 0]"));
  REQUIRE_THROWS_AS(make({{"w", {-1}}}), ArgumentError);
  REQUIRE_THROWS_AS(make({{"w", {1, 1, 1, 1, 1, 1, 1, 1, 1}}}), ArgumentError);
  REQUIRE_NOTHROW(make({{"w", {1, 1, 1, 1, 1, 1, 1, 1}}}));
  REQUIRE_NOTHROW(make({{std::string(256, 'x'), {1}}}));
  REQUIRE_THROWS_AS(make({{std::string(257, 'x'), {1}}}), ArgumentError);
  for (const std::string name : {"tab\t", "caf\xc3\xa9", "del\x7f", "line\n"}) {
    REQUIRE_THROWS_AS(make({{name, {1}}}), ArgumentError);
  }
  REQUIRE_THROWS_AS(make({{std::string("a\0b", 3), {1}}}), ArgumentError);
}

TEST_CASE("sizes beyond the limit are refused, also when their product overflows") {
  const auto make = [](const Tensors& tensors) { return ParameterLayout(tensors); };
  constexpr std::int64_t kHalf = std::int64_t{1} << 30;
  REQUIRE(make({{"a", {kHalf}}, {"b", {2, kHalf / 2}}}).size() == ParameterLayout::kMaxElements);
  REQUIRE_THROWS_AS(make({{"a", {kHalf}}, {"b", {kHalf}}, {"c", {1}}}), ArgumentError);
  REQUIRE_THROWS_AS(make({{"a", {2 * kHalf + 1}}}), ArgumentError);
  REQUIRE_THROWS_AS(make({{"a", {std::int64_t{1} << 32, std::int64_t{1} << 32}}}), ArgumentError);
  REQUIRE_THROWS_AS(make({{"a", {std::numeric_limits<std::int64_t>::max(), 3}}}), ArgumentError);
}

TEST_CASE("an element of the flat weights is named by its tensor") {
  const ParameterLayout layout(Tensors{{"pi1.weight", {4, 3}}, {"pi1.bias", {4}}});
  REQUIRE(element_text(layout, 0) == "weight 0 (tensor 'pi1.weight', element 0)");
  REQUIRE(element_text(layout, 13) == "weight 13 (tensor 'pi1.bias', element 1)");
  REQUIRE(element_text(layout, 16) == "weight 16");
}
