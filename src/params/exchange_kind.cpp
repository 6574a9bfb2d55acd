#include "genkidama/params/exchange_kind.h"

namespace genkidama {

const char* exchange_name(ExchangeKind kind) {
  switch (kind) {
    case ExchangeKind::kEach:
      return "each";
    case ExchangeKind::kRounds:
      return "rounds";
    case ExchangeKind::kSegments:
      return "segments";
    case ExchangeKind::kPopulation:
      return "population";
  }
  return "";
}

std::optional<ExchangeKind> exchange_of(std::string_view name) {
  for (const auto kind :
       {ExchangeKind::kEach, ExchangeKind::kRounds, ExchangeKind::kSegments, ExchangeKind::kPopulation}) {
    if (name == exchange_name(kind)) return kind;
  }
  return std::nullopt;
}

}  // namespace genkidama
