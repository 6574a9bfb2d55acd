#include "env/picture/half_blocks.h"

#include "support/catch.h"

namespace genkidama::picture {
namespace {

const std::string kBlock = "\xe2\x96\x80";

TEST_CASE("a character shows two pixels, and only those that differ are sent again") {
  Image image({2, 4});
  image.at(0, 0) = {1, 2, 3};
  HalfBlocks blocks;
  CHECK(blocks.show(image, 5, 7) == "\x1b[5;7H\x1b[38;2;1;2;3;48;2;0;0;0m" + kBlock +
                                        "\x1b[38;2;0;0;0;48;2;0;0;0m" + kBlock + "\x1b[6;7H" + kBlock +
                                        kBlock + "\x1b[0m");
  CHECK(blocks.show(image, 5, 7).empty());
  image.at(1, 3) = {9, 9, 9};
  CHECK(blocks.show(image, 5, 7) == "\x1b[6;8H\x1b[38;2;0;0;0;48;2;9;9;9m" + kBlock + "\x1b[0m");
  const std::size_t whole = HalfBlocks().show(image, 5, 7).size();
  blocks.forget();
  CHECK(blocks.show(image, 5, 7).size() == whole);
  CHECK_FALSE(blocks.show(Image({1, 2}), 5, 7).empty());  // another size
}

}  // namespace
}  // namespace genkidama::picture
