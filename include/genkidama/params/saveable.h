#pragma once

/// @file
/// State by contribution: each object whose state a resumed run needs writes named fields, and reads them
/// again. So a new field costs the object that has it two lines, and nobody else any.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/safetensors.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Collects named fields. Each name is given once; a second time throws ArgumentError. Floats become tensors,
/// whose names begin with "genkidama.", and all else becomes metadata, so that Python reads every field of
/// the file.
class StateWriter {
 public:
  /// Begins without a network: for a state that stays in memory.
  StateWriter() = default;
  /// Begins with a network's weights, layout.size() of them, which come first in the file. Throws
  /// ArgumentError for another number of them.
  StateWriter(const ParameterLayout& layout, std::span<const float> weights);
  /// Does the same without a copy of the weights, which must stay as they are until the state was written or
  /// taken.
  static StateWriter referring_to(const ParameterLayout& layout, std::span<const float> weights);

  /// Adds floats of a shape (row-major, every dimension >= 0), all 0, and returns them to be filled in. The
  /// span is valid until the state was taken. A shape without elements adds nothing.
  std::span<float> floats(const std::string& name, const std::vector<std::int64_t>& shape);
  /// Adds a copy of `values`, in one dimension; no values add nothing.
  void floats(const std::string& name, std::span<const float> values);
  /// Adds floats of a shape without a copy: `values`, as many as the shape has elements, must stay as they
  /// are until the state was written or taken. Throws ArgumentError for another number of them.
  void refer_to(const std::string& name, const std::vector<std::int64_t>& shape,
                std::span<const float> values);

  /// Adds a whole number.
  void u64(const std::string& name, std::uint64_t value);
  /// Adds whole numbers; no values add nothing.
  void u64s(const std::string& name, std::span<const std::uint64_t> values);
  /// Adds a number with as many digits as it takes to read the same bits again. Throws ArgumentError when it
  /// is not finite.
  void f64(const std::string& name, double value);
  /// Adds such numbers; no values add nothing. Throws as f64().
  void f64s(const std::string& name, std::span<const double> values);
  /// Adds text, which must be UTF-8.
  void text(const std::string& name, const std::string& value);

  /// Hands over what was collected; the writer is empty afterwards. Throws ArgumentError for a name that
  /// ParameterLayout refuses, or that was given to floats twice.
  Checkpoint take();

  /// The layout of the floats that were collected. Throws as take().
  ParameterLayout layout() const;
  /// The floats, one span for each tensor of layout(); valid until more are added or the state is taken.
  std::vector<std::span<const float>> values() const;
  /// Everything that is no float.
  std::map<std::string, std::string>& metadata() { return metadata_; }

 private:
  friend class SavedState;
  void copy_what_is_referred_to();
  struct Tensor {
    std::string name;  // in the file
    std::vector<std::int64_t> shape;
    std::vector<float> own;
    std::span<const float> others;  // the values, where the tensor has none of its own
    std::span<const float> values() const { return own.empty() ? others : std::span<const float>(own); }
  };
  std::vector<Tensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Reads what a StateWriter has collected. A field that is missing is an error only where the function says
/// so, so that states of earlier versions can be read. Metadata that nobody asks for is tolerated.
class StateReader {
 public:
  /// `state` must outlive the reader. `source` begins the text of each error: the file's name. Tensors of
  /// `network` are no fields.
  StateReader(const Checkpoint& state, std::string source, const ParameterLayout& network = {});

  /// Whether there is such a field.
  bool has(const std::string& name) const;

  /// Floats of any shape.
  struct Floats {
    std::span<const float> values;    ///< valid as long as the state that is read
    std::vector<std::int64_t> shape;  ///< empty when there is no such field
  };
  /// Returns the floats of that name; none when there is no such field.
  Floats floats(const std::string& name) const;
  /// Returns `count` floats; where nothing is expected (0), there may be no such field. Throws LayoutError,
  /// with both numbers, when there is another number of them.
  std::span<const float> floats(const std::string& name, std::size_t count) const;

  /// Returns a whole number. Throws FormatError when there is no such field or it is no whole number.
  std::uint64_t u64(const std::string& name) const;
  /// Returns a whole number, or `otherwise` when there is no such field. Throws as u64().
  std::uint64_t u64_or(const std::string& name, std::uint64_t otherwise) const;
  /// Returns whole numbers; none when there is no such field. Throws FormatError when one of them is none.
  std::vector<std::uint64_t> u64s(const std::string& name) const;
  /// Returns a finite number, bit for bit the one that was written. Throws as u64().
  double f64(const std::string& name) const;
  /// Returns a number, or `otherwise` when there is no such field. Throws as u64().
  double f64_or(const std::string& name, double otherwise) const;
  /// Returns numbers; none when there is no such field. Throws as u64s().
  std::vector<double> f64s(const std::string& name) const;
  /// Returns text; an empty one when there is no such field.
  std::string text(const std::string& name) const;

  /// Throws LayoutError, naming the first, when there are floats that nobody has asked for yet. They are of
  /// something that this program does not have, and going on without them would not be the same run.
  void check_all_floats_read() const;

  /// The tensors that are fields, with their names in the file and in its order.
  std::vector<ParameterLayout::Tensor> tensors() const;
  /// Writes a copy of every field, whoever reads it.
  void copy_to(StateWriter& state) const;

  /// What errors begin with.
  const std::string& source() const { return source_; }

 private:
  template <typename Number>
  Number number(const std::string& name) const;
  template <typename Number>
  std::vector<Number> numbers(const std::string& name) const;

  friend class SavedState;
  struct Field {
    std::string name;
    Floats floats;
  };
  StateReader(const std::map<std::string, std::string>& metadata, std::string source)
      : metadata_(metadata), source_(std::move(source)) {}
  void add(const std::string& tensor, const std::vector<std::int64_t>& shape, std::span<const float> values);
  const Field* find(const std::string& name) const;

  const std::map<std::string, std::string>& metadata_;
  std::string source_;
  std::vector<Field> fields_;  // in the file's order
  mutable std::set<std::string> asked_;
};

/// An object with state that outlives the process.
class Saveable {
 public:
  virtual ~Saveable() = default;

  /// Writes every field that restore() needs. Names are the object's own; where several objects write into
  /// one state, their names differ.
  virtual void save(StateWriter& state) const = 0;

  /// Goes on from what save() of an equal object wrote. Throws LayoutError for the state of an object of
  /// another size or kind, and FormatError for fields that are missing or damaged; the object may be used on
  /// only after a restore() that returns.
  virtual void restore(const StateReader& state) = 0;
};

/// The state of an object at one moment, in memory. It can be saved later, when the object has gone on, and
/// an equal object can be restored from it.
class SavedState : public Saveable {
 public:
  /// Makes the state of nothing: it saves no field.
  SavedState() = default;
  /// Takes the state that `object` has now.
  explicit SavedState(const Saveable& object);

  /// Writes the fields that the object wrote.
  /// The writer refers to this object's floats, which must stay until they were written.
  void save(StateWriter& state) const override;
  /// Takes a copy of all fields.
  void restore(const StateReader& state) override;

  /// Reads the fields; valid as long as this object and until the next restore().
  StateReader reader() const;

 private:
  StateWriter fields_;
};

}  // namespace genkidama
