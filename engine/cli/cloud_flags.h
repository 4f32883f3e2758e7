#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "engine/cli/services.h"
#include "uploaders/arm/azure_access.h"

namespace kiln {

/// The cloud that targets go to, and who Kiln is there.
struct CloudFlags {
  std::string name = "public";  ///< or a URL
  std::string ca_file;
  StagingContainer staging;
  AuthMethod method = AuthMethod::kAuto;

  void add_to(CLI::App& command);
  /// What `name` comes from: `--cloud`, `KILN_CLOUD`, or `default`.
  [[nodiscard]] std::string chosen_by() const;
  /// Asks the network where the cloud is given by its URL, and else nothing.
  [[nodiscard]] Result<Cloud> choose(const CancelToken& cancel) const;
  /// @param services outlive the access
  [[nodiscard]] std::unique_ptr<AzureAccess> access(Cloud cloud, Services& services) const;

 private:
  [[nodiscard]] HttpOptions http() const;

  const CLI::Option* option_ = nullptr;
};

}  // namespace kiln
