#include "engine/template/arm/document.h"

#include <array>
#include <set>

#include "engine/core/text.h"
#include "engine/template/arm/evaluator.h"

namespace kiln::arm {
namespace {

constexpr std::string_view kImageTemplates = "Microsoft.VirtualMachineImages/imageTemplates";

/// What ARM itself reads of a resource and does not send on.
constexpr std::array<std::string_view, 9> kArmsOwn = {"condition",
                                                      "copy",
                                                      "comments",
                                                      "existing",
                                                      "import",
                                                      "metadata",
                                                      "resources",
                                                      "scope",
                                                      "@options"};

struct Candidate {
  JsonReader body;
  std::string symbolic_name;
  std::string name;
  Scope* scope;
  const Frame* frame;
};

std::string type_of(const JsonReader& resource) {
  const auto type = find_field(resource, "type");
  return type && type->value().is_string() ? type->value().get<std::string>() : std::string();
}

bool is_image_template(const JsonReader& resource) {
  return equal_ignoring_case(type_of(resource), kImageTemplates);
}

/// Whether an imageTemplates resource is written anywhere in a template.
Result<bool> holds_image_template(const JsonReader& body) {
  KILN_TRY_ASSIGN(const auto resources, read_resources(body));
  for (const auto& resource : resources) {
    if (is_image_template(resource.body)) return true;
    const auto inner = nested_template(resource.body);
    if (!inner) continue;
    KILN_TRY_ASSIGN(const auto found, holds_image_template(*inner));
    if (found) return true;
  }
  return false;
}

/// Other types of the same provider have more parts.
bool is_misspelt(const std::string& type) {
  return split(type, '/').size() == 2 && !nearest_word(type, std::array{kImageTemplates}).empty() &&
         !equal_ignoring_case(type, kImageTemplates);
}

bool is_arms_own(std::string_view name) {
  return std::any_of(kArmsOwn.begin(), kArmsOwn.end(), [&](std::string_view own) {
    return equal_ignoring_case(own, name);
  });
}

/// A resource without a condition is deployed; ARM reads "true" as it does true.
Result<bool> truth_of(const JsonReader& resource, const Value& condition) {
  const auto& data = condition.data;
  if (data.is_null() || data.is_discarded()) return true;
  if (data.is_boolean()) return data.get<bool>();
  const auto text = data.is_string() ? data.get<std::string>() : std::string();
  if (equal_ignoring_case(text, "true")) return true;
  if (equal_ignoring_case(text, "false")) return false;
  return find_field(resource, "condition")
      ->error("Arm:BadCondition", "the condition is neither true nor false")
      .expecting("true or false, or an expression that gives it")
      .cure("compare something, e.g. [equals(parameters('deploy'), 'yes')]");
}

Result<JsonReader> evaluate_resource(const Candidate& candidate) {
  KILN_TRY_ASSIGN(const auto members, candidate.body.members());
  Placed resource{nlohmann::json::object(), place_from(candidate.body.place())};
  for (const auto& [name, member] : members) {
    if (is_arms_own(name)) continue;
    Placed value{member.value(), place_from(member.place())};
    if (!equal_ignoring_case(name, "dependsOn")) {  // it means something to ARM only
      KILN_TRY_ASSIGN(value, evaluate_known(member, *candidate.scope, candidate.frame));
    }
    resource.data[name] = std::move(value.data);
    resource.place.keys.push_back(name);
    resource.place.children.push_back(std::move(value.place));
  }
  return JsonReader::computed(std::move(resource.data),
                              std::make_shared<const JsonPlace>(std::move(resource.place)),
                              candidate.body.pointer());
}

/// Walks through a template and those nested in it.
class Search {
 public:
  Search(Deployment& deployment, std::vector<std::string>& notices)
      : root_(deployment), notices_(notices) {}

  Result<void> run() { return visit(root_.resources(), root_, root_, nullptr); }
  [[nodiscard]] const std::vector<Candidate>& candidates() const { return candidates_; }
  [[nodiscard]] const std::vector<std::string>& switched_off() const { return switched_off_; }
  [[nodiscard]] const std::vector<std::string>& skipped() const { return skipped_; }
  /// A type that is nearly the one that is looked for.
  [[nodiscard]] const std::optional<JsonReader>& misspelt() const { return misspelt_; }

 private:
  /// @param owner keeps what is made for nested deployments
  Result<void> visit(const std::vector<WrittenResource>& resources,
                     Deployment& owner,
                     Scope& scope,
                     const Frame* frame) {
    for (const auto& resource : resources) {
      const auto inner = nested_template(resource.body);
      bool wanted = is_image_template(resource.body);
      if (!wanted && inner) {
        KILN_TRY_ASSIGN(wanted, holds_image_template(*inner));
      }
      if (wanted) {
        KILN_TRY(visit_copies(resource, owner, scope, frame));
      } else {
        skip(resource, scope, frame);
      }
    }
    return {};
  }

  Result<void> visit_copies(const WrittenResource& resource,
                            Deployment& owner,
                            Scope& scope,
                            const Frame* frame) {
    const auto loop = find_field(resource.body, "copy");
    if (!loop) return visit_one(resource, owner, scope, frame);
    constexpr std::int64_t kMostCopies = 800;  // ARM's limit of resources
    KILN_TRY_ASSIGN(const auto name, loop->string("name"));
    KILN_TRY_ASSIGN(const auto written, loop->require("count"));
    KILN_TRY_ASSIGN(const auto count_value, evaluate_value(written, scope, frame));
    KILN_TRY_ASSIGN(const auto count,
                    JsonReader::computed(count_value.data, written.place(), written.pointer())
                        .as_integer(0, kMostCopies));
    copies_ += count;
    if (copies_ > kMostCopies) {
      return written
          .error("Arm:TooManyCopies",
                 fmt::format("the loops of this template make more than {} resources, which is "
                             "ARM's limit",
                             kMostCopies))
          .cure("make them smaller");
    }
    if (count == 0) {
      switched_off_.push_back(fmt::format("{} (its copy count is 0)", resource.body.where()));
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const auto* turn = owner.keep({frame, Frame::Kind::kResourceCopy, name, i, nullptr, count});
      KILN_TRY(visit_one(resource, owner, scope, turn));
    }
    return {};
  }

  Result<void> visit_one(const WrittenResource& resource,
                         Deployment& owner,
                         Scope& scope,
                         const Frame* frame) {
    const auto& body = resource.body;
    KILN_TRY_ASSIGN(const auto condition, evaluate_member(body, "condition", scope, frame));
    KILN_TRY_ASSIGN(const auto deployed, truth_of(body, condition));
    if (!deployed) {
      switched_off_.push_back(fmt::format("{} (its condition is false)", body.where()));
      return {};
    }
    KILN_TRY_ASSIGN(const auto existing, body.bool_or("existing", false));
    if (existing) {
      switched_off_.push_back(
          fmt::format("{} (it is only referred to, as existing)", body.where()));
      return {};
    }
    if (is_image_template(body)) {
      // Children of an image template, such as triggers.
      KILN_TRY_ASSIGN(const auto children, read_resources(body));
      for (const auto& child : children) skip(child, scope, frame);
      // What is wrong with a name is told when the resource is evaluated.
      const auto name = evaluate_member(body, "name", scope, frame);
      candidates_.push_back({body,
                             resource.symbolic_name,
                             name && name->data.is_string() ? name->data.get<std::string>() : "",
                             &scope,
                             frame});
      return {};
    }
    if (++depth_ > 32) {
      return body.error("Arm:TooDeep", "deployments are nested deeper than 32 levels")
          .cure("flatten the template");
    }
    KILN_TRY_ASSIGN(const auto inner, read_resources(*nested_template(body)));
    if (has_outer_scope(body)) {
      KILN_TRY(visit(inner, owner, scope, frame));
    } else {
      KILN_TRY_ASSIGN(auto* const deployment, owner.nested(body, frame));
      KILN_TRY(visit(inner, *deployment, *deployment, nullptr));
    }
    --depth_;
    return {};
  }

  void skip(const WrittenResource& resource, Scope& scope, const Frame* frame) {
    if (!misspelt_ && is_misspelt(type_of(resource.body))) {
      misspelt_ = find_field(resource.body, "type");
    }
    std::string name = resource.symbolic_name;
    // A name that only a live deployment would know is no reason to fail here.
    const auto evaluated = find_field(resource.body, "copy")
                               ? Result<Value>(Value{})
                               : evaluate_member(resource.body, "name", scope, frame);
    if (evaluated && evaluated->data.is_string()) name = evaluated->data.get<std::string>();
    const auto properties = find_field(resource.body, "properties");
    const bool linked = properties && find_field(*properties, "templateLink");
    skipped_.push_back(fmt::format("{} \"{}\"{} ({})",
                                   printable(type_of(resource.body), 80),
                                   printable(name, 80),
                                   linked ? ", whose template is in another file" : "",
                                   resource.body.where()));
    notices_.push_back("skipped, as it is no image template: " + skipped_.back());
  }

  Deployment& root_;
  std::vector<std::string>& notices_;
  std::vector<Candidate> candidates_;
  std::vector<std::string> switched_off_;
  std::vector<std::string> skipped_;
  std::optional<JsonReader> misspelt_;
  int depth_ = 0;
  std::int64_t copies_ = 0;  ///< of all loops so far
};

std::vector<std::string> list(const std::vector<Candidate>& candidates) {
  std::vector<std::string> lines;
  lines.reserve(candidates.size());
  for (const auto& candidate : candidates) {
    lines.push_back(
        fmt::format("\"{}\" at {}", printable(candidate.name, 80), candidate.body.where()));
  }
  return lines;
}

/// ARM makes one resource of a name; nested deployments may go to other groups.
void refuse_same_names(const std::vector<Candidate>& candidates, Failures& failures) {
  std::set<std::pair<const Scope*, std::string>> seen;
  for (const auto& candidate : candidates) {
    if (candidate.name.empty()) continue;
    if (seen.emplace(candidate.scope, to_lower(candidate.name)).second) continue;
    failures.add(candidate.body
                     .error("Arm:SameName",
                            fmt::format("two image templates have the name \"{}\"",
                                        printable(candidate.name, 80)))
                     .expecting("a name that no other has")
                     .cure("give each a name of its own; in a loop, copyIndex() makes one"));
  }
}

Error none(const Search& search, const std::string& document) {
  if (const auto& type = search.misspelt()) {
    return type
        ->error("Arm:NoImageTemplate",
                fmt::format("the deployment template has no {} resource, but one of a similar type",
                            kImageTemplates))
        .expecting(std::string(kImageTemplates))
        .cure(fmt::format("did you mean \"{}\"?", kImageTemplates));
  }
  const bool some = !search.switched_off().empty();
  constexpr std::size_t kMostLines = 8;
  auto lines = some ? search.switched_off() : search.skipped();
  if (lines.size() > kMostLines) lines.resize(kMostLines);
  return fail(ErrorKind::kInvalidTemplate,
              "Arm:NoImageTemplate",
              "the deployment template {} {} resource",
              some ? "deploys no" : "has no",
              kImageTemplates)
      .at(some ? search.switched_off().front() : document)
      .cure(some ? "give parameters that switch the resource on"
                 : "pass a template that makes an image template; linked ones are not followed")
      .quoting(std::move(lines));
}

}  // namespace

Result<JsonReader> find_image_template(Deployment& deployment,
                                       const std::string& wanted,
                                       std::size_t number,
                                       std::vector<std::string>& notices) {
  Search search(deployment, notices);
  KILN_TRY(search.run());
  const auto& all = search.candidates();
  if (all.empty()) return none(search, deployment.where());
  refuse_same_names(all, deployment.context().failures);
  std::vector<Candidate> chosen;
  for (const auto& candidate : all) {
    if (wanted.empty() || equal_ignoring_case(candidate.name, wanted) ||
        equal_ignoring_case(candidate.symbolic_name, wanted)) {
      chosen.push_back(candidate);
    }
  }
  if (chosen.empty()) {
    return fail(ErrorKind::kInvalidTemplate,
                "Arm:NoSuchResource",
                "the template has no image template \"{}\"",
                printable(wanted, 80))
        .at(all.front().body.where())
        .cure("name one of those below with --resource")
        .quoting(list(all));
  }
  if (number > 0 && number <= chosen.size()) return evaluate_resource(chosen[number - 1]);
  if (chosen.size() > 1) {
    return fail(ErrorKind::kInvalidTemplate,
                "Arm:SeveralImageTemplates",
                "the template makes {} image templates{}",
                chosen.size(),
                wanted.empty() ? "" : " of that name")
        .at(chosen.front().body.where())
        .cure(wanted.empty() ? "choose one with --resource NAME"
                             : "give each a name of its own; in a loop, copyIndex() makes one")
        .quoting(list(chosen));
  }
  for (const auto& candidate : all) {
    if (candidate.body.place() == chosen.front().body.place()) continue;
    notices.push_back(fmt::format("skipped, as another one was chosen: image template \"{}\" ({})",
                                  printable(candidate.name, 80),
                                  candidate.body.where()));
  }
  return evaluate_resource(chosen.front());
}

}  // namespace kiln::arm
