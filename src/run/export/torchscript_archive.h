#pragma once

/// @file
/// A TorchScript archive in the making: a module's tensors and the source of its methods.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace genkidama::run {

class TorchscriptArchive {
 public:
  /// A tensor of the module, which moves with it to another device. `name` is an identifier, each only once.
  void tensor(const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values);
  void tensor(const std::string& name, const std::vector<std::int64_t>& shape,
              std::span<const double> values);
  /// All true.
  void truths(const std::string& name, const std::vector<std::int64_t>& shape);

  /// The file's bytes: a zip archive, whose files are stored as they are. `methods` is the source of the
  /// module's methods, indented by two spaces. The class is __torch__.Policy.
  std::string bytes(const std::string& methods) const;

 private:
  struct Tensor {
    std::string name;
    const char* storage;  ///< the name of its type of storage
    std::vector<std::int64_t> shape;
    std::size_t elements;
    std::string bytes;
  };

  void add(const std::string& name, const char* storage, const std::vector<std::int64_t>& shape,
           std::span<const std::byte> bytes, std::size_t elements);
  std::string source(const std::string& methods) const;
  std::string pickled() const;

  std::vector<Tensor> tensors_;
};

}  // namespace genkidama::run
