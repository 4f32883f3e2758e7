#include "customizers/generalize/linux/selinux_labels.h"

namespace kiln {

/// Only what has no label is new: asking the policy about each of an image's files takes minutes
/// under emulation. setfiles must not ask the kernel that runs here what can hold labels (-m),
/// because it says that nothing can. What is to be labelled at the first start, or cannot be here,
/// the system labels then, and restarts once.
std::string_view selinux_labels_script() {
  return R"sh(
config=/etc/selinux/config
[ -f "$config" ] && [ ! -e /.autorelabel ] || exit 0
setting() { sed -n "s/^$1=[[:space:]]*\([A-Za-z0-9_-]*\).*/\1/p" "$config" | tail -n 1; }
case $(setting SELINUX) in enforcing | permissive) ;; *) exit 0 ;; esac
contexts=/etc/selinux/$(setting SELINUXTYPE)/contexts/files/file_contexts
[ -f "$contexts" ] || exit 0
PATH=$PATH:/usr/sbin:/sbin
case $(setfiles -m 2>&1) in
*'invalid option'* | *'not found'*)
  : > /.autorelabel && echo 'made /.autorelabel, because the image has no setfiles that labels at rest'
  exit ;;
esac
set --
while read -r _ place type _; do
  case $type in ext[234] | xfs | btrfs) set -- "$@" "$place" ;; esac
done < /proc/self/mounts
if ! list=$(find "$@" -xdev -printf '%Z\t%p\0' 2>/dev/null | sed -z -n 's/^\t//p' |
  setfiles -v -m -e /proc -e /sys -e /dev -e /run -0 -f - "$contexts" 2>&1); then
  printf '%s\n' "$list" | tail -n 5
  exit 1
fi
count=$(printf '%s\n' "$list" | grep -c -e '^Relabeled ' -e '^setfiles reset ')
[ "$count" -eq 0 ] || echo "labelled $count files")sh";
}

}  // namespace kiln
