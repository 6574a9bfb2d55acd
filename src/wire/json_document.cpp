#include "wire/json_document.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "genkidama/wire/protocol.h"

namespace genkidama {
namespace {

using nlohmann::json;

/// Recursive: nothing deeper than kMaxJsonDepth was built.
void empty_out(json& value) {
  if (auto* array = value.get_ptr<json::array_t*>()) {
    for (json& element : *array) empty_out(element);
    array->clear();
  } else if (auto* object = value.get_ptr<json::object_t*>()) {
    for (auto& [key, member] : *object) empty_out(member);
    object->clear();
  }
}

/// Builds a document where it is to stay, so that no half of one is anywhere else when memory ends.
class Builder : public nlohmann::json_sax<json> {
 public:
  explicit Builder(json& root) : root_(root) {}

  /// Why the rest was not looked at; empty when the text is no JSON.
  const std::string& objection() const { return objection_; }

  bool null() override { return add(json()) != nullptr; }
  bool boolean(bool value) override { return add(json(value)) != nullptr; }
  bool number_integer(std::int64_t value) override { return add(json(value)) != nullptr; }
  bool number_unsigned(std::uint64_t value) override { return add(json(value)) != nullptr; }
  bool number_float(double value, const std::string&) override { return add(json(value)) != nullptr; }
  bool string(std::string& value) override { return add(json(std::move(value))) != nullptr; }
  bool binary(json::binary_t&) override { return false; }

  bool start_object(std::size_t) override { return begin(json(json::value_t::object)); }
  bool start_array(std::size_t) override { return begin(json(json::value_t::array)); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }

  bool key(std::string& name) override {
    if (!open_.back()->contains(name)) {
      key_ = std::move(name);
      return true;
    }
    objection_ = "a key is given twice";
    return false;
  }

  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }

 private:
  json* add(json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (auto* array = open_.back()->get_ptr<json::array_t*>()) {
      array->push_back(std::move(value));
      return &array->back();
    }
    return &open_.back()->get_ref<json::object_t&>().emplace(std::move(key_), std::move(value)).first->second;
  }

  bool begin(json container) {
    if (open_.size() >= kMaxJsonDepth) {
      objection_ = fmt::format("more than {} objects and arrays inside one another", kMaxJsonDepth);
      return false;
    }
    open_.push_back(add(std::move(container)));
    return true;
  }

  bool end() {
    open_.pop_back();
    return true;
  }

  json& root_;
  std::vector<json*> open_;
  std::string key_, objection_;
};

}  // namespace

JsonDocument::JsonDocument(std::string_view text, std::string& reason) {
  Builder builder(root_);
  try {
    if (!json::sax_parse(text.begin(), text.end(), &builder)) {
      reason = builder.objection().empty() ? "not JSON" : builder.objection();
    } else if (!root_.is_object()) {
      reason = "not a JSON object";
    }
  } catch (...) {
    empty_out(root_);
    throw;
  }
}

JsonDocument::~JsonDocument() {
  empty_out(root_);
}

std::string json_quoted(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace genkidama
