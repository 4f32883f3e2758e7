#include "engine/agent/windows/process.h"

#include <map>
#include <memory>
#include <userenv.h>

#include "engine/agent/windows/command_line.h"
#include "engine/agent/windows/text.h"

namespace kiln::agent {
namespace {

/// As Windows orders and compares names of variables.
struct IgnoringCase {
  bool operator()(const std::wstring& a, const std::wstring& b) const {
    return ::CompareStringOrdinal(
               a.data(), static_cast<int>(a.size()), b.data(), static_cast<int>(b.size()), TRUE) ==
           CSTR_LESS_THAN;
  }
};

using Variables = std::map<std::wstring, std::wstring, IgnoringCase>;

void take_variables(const wchar_t* block, Variables& variables) {
  for (const wchar_t* entry = block; entry != nullptr && *entry != 0;) {
    const std::wstring_view text(entry);
    const auto equals = text.find(L'=', 1);  // `=C:` is the folder of a drive
    if (equals != std::wstring_view::npos) {
      variables.insert_or_assign(std::wstring(text.substr(0, equals)),
                                 std::wstring(text.substr(equals + 1)));
    }
    entry += text.size() + 1;
  }
}

/// The variables of the system or of the user, with the request's.
std::wstring environment_of(const RunRequest& run, const LogOn* as) {
  Variables variables;
  if (void* of_user = nullptr;
      as != nullptr && ::CreateEnvironmentBlock(&of_user, as->token(), FALSE) != FALSE) {
    take_variables(static_cast<const wchar_t*>(of_user), variables);
    ::DestroyEnvironmentBlock(of_user);
  } else {
    auto* const own = ::GetEnvironmentStringsW();
    take_variables(own, variables);
    ::FreeEnvironmentStringsW(own);
  }
  for (const auto& [name, value] : run.environment) {
    variables.insert_or_assign(wide(name), wide(value));
  }
  std::wstring block;
  for (const auto& [name, value] : variables) block.append(name + L'=' + value).push_back(L'\0');
  block.push_back(L'\0');
  return block;
}

std::wstring folder_of(const RunRequest& run) {
  const auto wanted = windows_path(run.directory);
  const auto attributes = wanted ? ::GetFileAttributesW(wanted->c_str()) : INVALID_FILE_ATTRIBUTES;
  const bool there =
      attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  if (there) return *wanted;
  wchar_t system[MAX_PATH];
  const auto length = ::GetSystemDirectoryW(system, MAX_PATH);
  return std::wstring(system, length).substr(0, 3);  // the drive's root
}

SECURITY_ATTRIBUTES inheritable() {
  return {sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
}

/// A pipe whose end here can be waited for. Anonymous pipes cannot.
bool make_pipe(bool we_read, UniqueHandle& ours, UniqueHandle& theirs) {
  static unsigned made = 0;
  constexpr DWORD kSize = 64 * 1024;
  const auto name = L"\\\\.\\pipe\\kiln-agent-" + std::to_wstring(::GetCurrentProcessId()) + L"-" +
                    std::to_wstring(::GetTickCount64()) + L"-" + std::to_wstring(++made);
  const DWORD direction = we_read ? PIPE_ACCESS_INBOUND : PIPE_ACCESS_OUTBOUND;
  ours = UniqueHandle(::CreateNamedPipeW(
      name.c_str(),
      direction | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
      PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
      1,
      kSize,
      kSize,
      0,
      nullptr));
  if (!ours) return false;
  auto attributes = inheritable();
  theirs = UniqueHandle(::CreateFileW(name.c_str(),
                                      we_read ? GENERIC_WRITE : GENERIC_READ,
                                      0,
                                      &attributes,
                                      OPEN_EXISTING,
                                      0,
                                      nullptr));
  return static_cast<bool>(theirs);
}

bool make_job(UniqueHandle& job) {
  job = UniqueHandle(::CreateJobObjectW(nullptr, nullptr));
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
  limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
  return job && ::SetInformationJobObject(
                    job.get(), JobObjectExtendedLimitInformation, &limits, sizeof limits) != FALSE;
}

/// The child's ends of its three streams, and the list that lets it inherit these and nothing else.
class Streams {
 public:
  ~Streams() {
    if (attributes_ != nullptr) ::DeleteProcThreadAttributeList(attributes_);
  }
  bool prepare(const RunRequest& run, Process& process) {
    if (run.input == InputKind::kPipe) {
      if (!make_pipe(false, process.in, in_)) return false;
    } else {
      auto security = inheritable();
      in_ = UniqueHandle(
          ::CreateFileW(L"NUL", GENERIC_READ, 0, &security, OPEN_EXISTING, 0, nullptr));
    }
    return in_ && make_pipe(true, process.out, out_) && make_pipe(true, process.err, err_) &&
           list_handles();
  }
  [[nodiscard]] STARTUPINFOEXW startup_info() const {
    STARTUPINFOEXW info{};
    info.StartupInfo.cb = sizeof info;
    info.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    info.StartupInfo.hStdInput = handles_[0];
    info.StartupInfo.hStdOutput = handles_[1];
    info.StartupInfo.hStdError = handles_[2];
    info.lpAttributeList = attributes_;
    return info;
  }

 private:
  bool list_handles() {
    handles_[0] = in_.get();
    handles_[1] = out_.get();
    handles_[2] = err_.get();
    SIZE_T size = 0;
    ::InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
    memory_ = std::make_unique<char[]>(size);
    auto* const list = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.get());
    if (::InitializeProcThreadAttributeList(list, 1, 0, &size) == FALSE) return false;
    attributes_ = list;
    return ::UpdateProcThreadAttribute(list,
                                       0,
                                       PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                       handles_,
                                       sizeof handles_,
                                       nullptr,
                                       nullptr) != FALSE;
  }

  UniqueHandle in_;
  UniqueHandle out_;
  UniqueHandle err_;
  HANDLE handles_[3] = {};
  std::unique_ptr<char[]> memory_;
  LPPROC_THREAD_ATTRIBUTE_LIST attributes_ = nullptr;
};

StartFailure refusal(const std::string& program, DWORD error) {
  constexpr int kNotFound = 127;
  constexpr int kNotExecutable = 126;
  const bool absent = error_code(error) == ErrorCode::kNotFound;
  return {failure("run", program, error), absent ? kNotFound : kNotExecutable};
}

}  // namespace

std::optional<StartFailure> start_process(const RunRequest& run,
                                          const LogOn* as,
                                          Process& process) {
  Streams streams;
  if (!make_job(process.job) || !streams.prepare(run, process)) {
    return StartFailure{failure("prepare", run.argv[0], ::GetLastError()), {}};
  }
  auto line = wide(command_line(run.argv));
  auto environment = environment_of(run, as);
  auto info = streams.startup_info();
  PROCESS_INFORMATION started{};
  constexpr DWORD kFlags = CREATE_SUSPENDED | CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT |
                           EXTENDED_STARTUPINFO_PRESENT;
  const auto folder = folder_of(run);
  // The service's desktop is closed to others; an empty name gives the user one.
  wchar_t own_desktop[] = L"";
  if (as != nullptr) info.StartupInfo.lpDesktop = own_desktop;
  const auto created = as == nullptr ? ::CreateProcessW(nullptr,
                                                        line.data(),
                                                        nullptr,
                                                        nullptr,
                                                        TRUE,
                                                        kFlags,
                                                        environment.data(),
                                                        folder.c_str(),
                                                        &info.StartupInfo,
                                                        &started)
                                     : ::CreateProcessAsUserW(as->token(),
                                                              nullptr,
                                                              line.data(),
                                                              nullptr,
                                                              nullptr,
                                                              TRUE,
                                                              kFlags,
                                                              environment.data(),
                                                              folder.c_str(),
                                                              &info.StartupInfo,
                                                              &started);
  if (created == FALSE) {
    return refusal(run.argv[0], ::GetLastError());
  }
  process.process = UniqueHandle(started.hProcess);
  const UniqueHandle thread(started.hThread);
  // It runs only when it is in the job, so nothing that it starts can be outside.
  if (::AssignProcessToJobObject(process.job.get(), started.hProcess) == FALSE) {
    const auto error = ::GetLastError();
    ::TerminateProcess(started.hProcess, 1);
    return StartFailure{failure("take hold of", run.argv[0], error), {}};
  }
  ::ResumeThread(thread.get());
  return std::nullopt;
}

}  // namespace kiln::agent
