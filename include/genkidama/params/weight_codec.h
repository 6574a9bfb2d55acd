#pragma once

/// @file
/// Writes weights, or changes of weights, in a codec, and reads them again. Both ends of a link keep one
/// encoder and one decoder for it.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/codec_kind.h"
#include "genkidama/params/parameter_layout.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What is sent again and again over one link, in one direction.
enum class CodedContent {
  kWeights,  ///< each time the present weights; a codec of differences sends what has changed in them
  kChanges,  ///< each time another change, which the receiver adds up; a codec of differences sends it as is
};

/// Which values a codec remembers between two frames.
enum class CodecMemory {
  kNone,       ///< kFloat32
  kResidual,   ///< the sender's: what all frames so far have left out
  kReference,  ///< both ends': the weights as the receiver has put them together
};

/// What an encoder of this kind and content remembers. kInt8Delta and kTopK keep a reference for weights; all
/// other lossy codecs, and all lossy codecs for changes, keep a residual.
CodecMemory codec_memory(CodecKind kind, CodedContent content);

/// The sending end. What a lossy codec leaves out is not lost (error feedback: Seide et al., 2014;
/// Karimireddy et al., 2019): with a residual e the sender writes x + e and keeps what that left out; with a
/// reference r it writes x - r, and r becomes what the receiver puts together. So the sum of what was decoded
/// follows the sum of what was given, and weights that rest are soon known exactly.
///
/// It takes 4 bytes an element of memory (none for kFloat32, 8 for changes).
class WeightEncoder {
 public:
  /// `layout` must outlive it.
  WeightEncoder(CodecKind kind, const ParameterLayout& layout, CodedContent content);

  /// The codec that both ends have agreed upon.
  CodecKind kind() const { return kind_; }

  /// Begins anew: the receiver has exactly these weights, and nothing is left out. Both ends of a link do so
  /// with the first weights on it. Changes have no use for `weights`, which may be empty.
  void begin(std::span<const float> weights);

  /// Writes `values`, which has layout.size() elements, over what `out` holds from `at` on; `out` ends with
  /// them then. Returns the codec that the elements are written in: kind(), or kFloat32 when a value is not
  /// finite or beyond what kind() can hold. Throws nothing but std::bad_alloc.
  CodecKind encode(std::span<const float> values, std::vector<std::byte>& out, std::size_t at);

  // For changes, which a receiver may never have got, or may have dropped.

  /// The change that was encoded last has arrived, and cannot be taken back any more.
  void keep();
  /// The change that was encoded last counts nothing at the receiver, and its sender gives it again as a part
  /// of the next one: the residual becomes that of before. Does nothing unless a change was encoded since the
  /// last call of keep(), take_back() or begin().
  void take_back();

 private:
  bool can_write(std::span<const float> values);
  void write_full(std::span<const float> values, std::byte* at);
  void write_halves(std::span<const float> values, std::byte* at);
  void write_int8(std::span<const float> values, std::byte* at);
  void write_top_k(std::span<const float> values, std::byte* at);
  void write_reference(std::byte* at) const;
  /// What is to be written of `count` elements from `first` on.
  void give(std::span<const float> values, std::size_t first, std::size_t count, float* given) const;
  /// `given` was decoded as `decoded`.
  void settle(const float* given, const float* decoded, std::size_t first, std::size_t count);

  CodecKind kind_;
  CodecMemory memory_;
  const ParameterLayout* layout_;
  std::vector<float> state_;   ///< the residual, or the reference
  std::vector<float> before_;  ///< of changes: the residual before the last one
  bool can_take_back_ = false;
  std::vector<float> scales_;  ///< per tensor
};

/// The receiving end. It takes 4 bytes an element of memory.
class WeightDecoder {
 public:
  /// `layout` must outlive it.
  WeightDecoder(CodecKind kind, const ParameterLayout& layout, CodedContent content);

  /// The codec that both ends have agreed upon.
  CodecKind kind() const { return kind_; }

  /// As WeightEncoder::begin().
  void begin(std::span<const float> weights);

  /// Reads elements that are written in `used`, which must be kind() or kFloat32, into `values`: they stay
  /// valid until the next call, and as long as `bytes`. Returns what is wrong with them, without a full stop;
  /// empty: nothing is. Elements of kFloat32 may still be NaN or infinite, and a reference may have grown to
  /// infinity. After anything wrong the two ends do not know the same any more: they must begin() anew.
  /// Throws nothing but std::bad_alloc.
  std::string decode(CodecKind used, std::span<const std::byte> bytes, std::span<const float>& values);

 private:
  std::string read(std::span<const std::byte> bytes);
  std::string read_halves(const std::byte* at);
  std::string read_int8(const std::byte* at);
  std::string read_top_k(const std::byte* at);
  std::string check_reference(const std::byte* at) const;
  std::span<const float> read_full(std::span<const std::byte> bytes);
  /// These elements were decoded.
  void take(const float* decoded, std::size_t first, std::size_t count);

  CodecKind kind_;
  CodecMemory memory_;
  const ParameterLayout* layout_;
  std::vector<float> values_;  ///< what was decoded last; with a reference, that
};

}  // namespace genkidama
