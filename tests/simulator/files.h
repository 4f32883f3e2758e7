#pragma once

#include <string>
#include <string_view>

namespace kiln::simulator {

/// Where the volume of Windows is mounted, so that the agent's paths are those of this system.
inline constexpr const char* kVolume = "/C:";

/// The path here of one like `c:\Windows\Temp\a.txt`; names are found whatever their case.
std::string path_here(std::string_view windows_path);

/// Empty where there is none.
std::string read_text(const std::string& path);
bool write_text(const std::string& path, std::string_view text);

/// Adds a line to C:\simulator\log, from which a test reads what happened.
void note(const std::string& line);

/// The same of a text of any lines, as a JSON string.
void note_text(const std::string& word, const std::string& text);

/// What the disk's maker wants to happen: the rest of the line of C:\simulator\scenario that begins
/// with that word; empty where there is none.
std::string scenario(std::string_view word);

/// What the system is to do once nobody waits for an answer any more.
enum class Power { kStay, kRestart, kOff };
void ask_for(Power power);
Power asked_power();

}  // namespace kiln::simulator
