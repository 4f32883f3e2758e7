#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/core/process_runner.h"
#include "engine/core/temp_dir.h"
#include "uploaders/auth/blob_location.h"
#include "uploaders/pageblob/page_blob.h"

namespace kiln::test {

/// A page blob service on this host's loopback that lives as long as the object: Azurite, or our
/// strict fake. Both know the emulators' published account only.
class AzureService {
 public:
  static Result<std::unique_ptr<AzureService>> start_azurite();
  static Result<std::unique_ptr<AzureService>> start_strict(std::vector<std::string> options = {});

  /// `http://127.0.0.1:PORT/devstoreaccount1`
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  /// A new container's URL.
  Result<std::string> make_container();
  /// A shared access signature for a blob's or container's URL.
  /// @param arguments of `strict_page_blob.py sas`, e.g. `--kind account`
  Result<std::string> sas(const std::string& url, std::vector<std::string> arguments = {});
  /// A whole blob through Get Blob.
  Result<std::string> download(const std::string& blob_url);
  Result<int> status_of(const std::string& method,
                        const std::string& blob_url,
                        HttpHeaders headers = {},
                        const std::string& query = "");

  // The strict fake's control.
  Result<void> inject(const nlohmann::json& faults);
  /// The bearer tokens that are good from now on.
  Result<void> accept_tokens(const std::vector<std::string>& tokens);
  Result<nlohmann::json> statistics();
  Result<void> reset();

 private:
  AzureService(std::unique_ptr<ProcessRunner> runner, TempDir folder);
  Result<void> start(std::vector<std::string> argv, std::chrono::seconds limit);
  Result<HttpResponse> signed_request(const std::string& method,
                                      const std::string& url,
                                      HttpHeaders headers);
  Result<std::string> control(const std::string& method,
                              const std::string& action,
                              const std::string& body);

  std::unique_ptr<ProcessRunner> runner_;
  TempDir folder_;
  std::unique_ptr<ChildProcess> child_;
  std::string endpoint_;
  int containers_ = 0;
};

SharedKey emulator_key();
PageBlobTarget with_key(const std::string& blob_url);
PageBlobTarget with_sas(const std::string& blob_url, const std::string& sas);

}  // namespace kiln::test
