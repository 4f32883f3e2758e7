#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "engine/contract/api_version.h"

namespace kiln {

enum class FieldKind {
  kString,
  kInteger,
  kBoolean,
  kStrings,
  kExitCodes,  ///< integers; published templates write them as strings too
  kStringMap,
  kObject,      ///< a Record of `object`
  kObjects,     ///< an array of them
  kOpenObject,  ///< an object that is not looked into
  kOpenArray,
  kItem,   ///< an object whose type a registry knows
  kItems,  ///< an array of them
};

/// What Kiln does with a field; the documentation's table says it in these words.
enum class Treatment {
  kHonoured,
  kPlanned,   ///< parsed, checked and shown by `plan`; `build` refuses where it asks for something
  kNotice,    ///< accepted with a notice, because it has no meaning offline
  kReadOnly,  ///< filled by the service; accepted with a notice and not used
};

struct RecordType;

/// One field of the contract. Parser, messages, schema and documentation all read these records.
struct Field {
  std::string_view name;
  FieldKind kind = FieldKind::kString;
  std::string_view help;  ///< one line; for kNotice the reason why it means nothing offline
  Treatment treatment = Treatment::kHonoured;
  bool required = false;
  ApiVersion since = kOldestVersion;  ///< the first version whose OpenAPI description has it
  ApiVersion until = kNewestVersion;
  std::string_view former = {};              ///< what it was called before
  ApiVersion former_until = kOldestVersion;  ///< the last version that calls it so
  std::int64_t minimum = 0;                  ///< of an integer
  std::int64_t maximum = std::numeric_limits<std::int32_t>::max();
  std::span<const std::string_view> values = {};  ///< of an enumeration
  const RecordType* object = nullptr;
  bool extension = false;  ///< Kiln's own, in no OpenAPI description
  /// In ARM but not in this resource's OpenAPI description, e.g. dependsOn.
  bool envelope = false;
};

/// A field that people bring from elsewhere; a plain "unknown field" would leave them guessing.
struct Hint {
  std::string_view name;
  std::string_view message = {};
  std::string_view cure = {};
  /// The field that is meant: then the two texts are made from its name.
  std::string_view field = {};
  bool stands_for_all = false;  ///< for all required fields of the type
};

/// An object of the contract: `source` of one type, `vmProfile`, …
struct RecordType {
  std::string_view name;  ///< the discriminator where it has one, else what it is called
  std::string_view help;
  std::span<const Field> fields;
  std::span<const Hint> hints = {};
  bool discriminated = false;  ///< has a member `type`, which is not among `fields`
  ApiVersion since = kOldestVersion;
  ApiVersion until = kNewestVersion;
  std::string_view former = {};  ///< the discriminator of 2018-02-01-preview
  bool extension = false;        ///< Kiln's own
};

}  // namespace kiln
