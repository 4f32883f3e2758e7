#include <algorithm>
#include <array>

#include "engine/core/text.h"
#include "engine/installers/debian/debian.h"
#include "engine/installers/redhat/redhat.h"
#include "engine/installers/suse/suse.h"
#include "engine/installers/ubuntu/ubuntu.h"
#include "engine/installers/windows/windows.h"

namespace kiln {
namespace {

const InstallerEntry* find_installer(InstallerFamily family) {
  const auto entries = installer_registry();
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const InstallerEntry& entry) {
    return entry.family == family;
  });
  return found == entries.end() ? nullptr : &*found;
}

Result<void> replace_answers(const InstallOrder& order,
                             const InstallerEntry& entry,
                             InstallRecipe& recipe) {
  auto& main = recipe.answers.front();
  if (order.answers) main.text = *order.answers;
  if (order.additional_answers.empty()) return {};
  if (entry.add_answers == nullptr) {
    return fail(ErrorKind::kInvalidTemplate,
                "Installer:CannotAddAnswers",
                "nothing can be added to answers in {}, because the installer reads one document",
                entry.answers_in)
        .cure("give the whole document as `answers`; `kiln template answers` prints Kiln's");
  }
  KILN_TRY_ASSIGN(main.text, entry.add_answers(main.text, order.additional_answers));
  return {};
}

}  // namespace

std::span<const InstallerEntry> installer_registry() {
  static const std::array entries = {
      kDebianInstaller, kUbuntuInstaller, kRedHatInstaller, kSuseInstaller, kWindowsInstaller};
  return entries;
}

std::optional<Error> installation_refusal(const InstallerMedia& media) {
  const auto* entry = find_installer(media.family);
  if (entry == nullptr) {
    return fail(ErrorKind::kUnsupported,
                "Installer:UnknownMedia",
                "{} is the disc of no installer that Kiln knows",
                media.image.string())
        .cure(
            "use an installer's disc of Debian, Ubuntu Server, Red Hat, CentOS, Rocky, Alma, "
            "Oracle, Fedora, SUSE or Windows, and see what `kiln image inspect` finds on it");
  }
  if (media.architecture != "x86_64") {
    return fail(ErrorKind::kUnsupported,
                "Installer:Architecture",
                "{} installs {} for {}, and Kiln builds images for x86_64",
                media.image.string(),
                media.title(),
                media.architecture.empty() ? "an unknown architecture" : media.architecture)
        .cure("use the disc for x86_64 (amd64)");
  }
  if (!media.complete) {
    return fail(ErrorKind::kUnsupported,
                "Installer:Incomplete",
                "{} ({}) has no packages to install from, and an installation has no network",
                media.image.string(),
                media.title())
        .cure("use the full installation disc (DVD) instead of the one for network installations");
  }
  if (media.family != InstallerFamily::kWindows && (media.kernel.empty() || media.initrd.empty())) {
    return fail(ErrorKind::kUnsupported,
                "Installer:NoKernel",
                "{} ({}) has no kernel and initramfs of an installer where they are expected",
                media.image.string(),
                media.title())
        .cure("use the distribution's own installation disc");
  }
  return entry->refusal == nullptr ? std::nullopt : entry->refusal(media);
}

Result<InstallRecipe> make_install_recipe(const InstallOrder& order) {
  KILN_CHECK(order.firmware != Firmware::kAny);
  if (auto refusal = installation_refusal(order.media)) return *std::move(refusal);
  const auto* entry = find_installer(order.media.family);
  KILN_TRY_ASSIGN(auto recipe, entry->recipe(order));
  KILN_TRY(replace_answers(order, *entry, recipe));
  return recipe;
}

}  // namespace kiln
