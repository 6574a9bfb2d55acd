// How LibTorch keeps a module, as its own reader takes it (torch/csrc/jit/serialization): the class as source
// in code/, the object as a pickle of Python's protocol 2, and each tensor's numbers in a file of its own.

#include "run/export/torchscript_archive.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "run/export/pickle.h"
#include "run/export/stored_zip.h"

namespace genkidama::run {
namespace {

constexpr const char* kRoot = "policy/";
/// The version of files from which LibTorch 1.6 and all later ones read every operator used here alike.
constexpr const char* kFileVersion = "3\n";

void add_tensor(Pickle& pickle, const char* storage, std::size_t index, std::size_t elements,
                const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  pickle.global("torch._utils", "_rebuild_tensor_v2");
  pickle.mark();
  pickle.mark();
  pickle.text("storage");
  pickle.global("torch", storage);
  pickle.text(fmt::format("{}", index));
  pickle.text("cpu");
  pickle.number(static_cast<std::int64_t>(elements));
  pickle.tuple();
  pickle.persistent();
  pickle.number(0);  // where in the storage it begins
  pickle.numbers(shape);
  pickle.numbers(strides);
  pickle.falsehood();  // it takes no gradient
  pickle.global("collections", "OrderedDict");
  pickle.empty_tuple();
  pickle.call();
  pickle.tuple();
  pickle.call();
}

}  // namespace

void TorchscriptArchive::add(const std::string& name, const char* storage,
                             const std::vector<std::int64_t>& shape, std::span<const std::byte> bytes,
                             std::size_t elements) {
  tensors_.push_back({name, storage, shape, elements,
                      std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
}

void TorchscriptArchive::tensor(const std::string& name, const std::vector<std::int64_t>& shape,
                                std::span<const float> values) {
  add(name, "FloatStorage", shape, std::as_bytes(values), values.size());
}

void TorchscriptArchive::tensor(const std::string& name, const std::vector<std::int64_t>& shape,
                                std::span<const double> values) {
  add(name, "DoubleStorage", shape, std::as_bytes(values), values.size());
}

void TorchscriptArchive::truths(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::size_t elements = 1;
  for (const std::int64_t size : shape) elements *= static_cast<std::size_t>(size);
  const std::vector<std::byte> bytes(elements, std::byte{1});
  add(name, "BoolStorage", shape, bytes, elements);
}

std::string TorchscriptArchive::source(const std::string& methods) const {
  std::string text = "class Policy(Module):\n  __parameters__ = []\n  __buffers__ = [";
  for (const Tensor& tensor : tensors_) text += fmt::format("\"{}\", ", tensor.name);
  text += "]\n";
  for (const Tensor& tensor : tensors_) text += fmt::format("  {} : Tensor\n", tensor.name);
  return text + "  training : bool\n" + methods;
}

std::string TorchscriptArchive::pickled() const {
  Pickle pickle;
  pickle.global("__torch__", "Policy");
  pickle.empty_tuple();
  pickle.make();
  pickle.empty_dictionary();
  pickle.mark();
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    pickle.text(tensors_[i].name);
    add_tensor(pickle, tensors_[i].storage, i, tensors_[i].elements, tensors_[i].shape);
  }
  pickle.text("training");
  pickle.falsehood();
  pickle.set_items();
  pickle.build();
  return pickle.bytes();
}

std::string TorchscriptArchive::bytes(const std::string& methods) const {
  StoredZip zip;
  const auto add = [&](const std::string& name, const std::string& bytes) { zip.add(kRoot + name, bytes); };
  add("data.pkl", pickled());
  add("code/__torch__.py", source(methods));
  Pickle no_constants;
  no_constants.empty_tuple();
  add("constants.pkl", no_constants.bytes());
  for (std::size_t i = 0; i < tensors_.size(); ++i) add(fmt::format("data/{}", i), tensors_[i].bytes);
  add("version", kFileVersion);
  return zip.bytes();
}

}  // namespace genkidama::run
